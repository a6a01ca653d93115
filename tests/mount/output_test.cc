// SPDX-License-Identifier: Apache-2.0
//
// The promise of output devices: write or map a buffer, and fsync() or msync(MS_SYNC) puts it on
// the device and returns when it is there. Nothing that was written is lost.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "tests/mount/support/alloc.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

constexpr uint32_t kScreenWidth = 130;
constexpr uint32_t kScreenHeight = 94;
constexpr size_t kScreenBytes = size_t{kScreenWidth} * kScreenHeight;
constexpr const char* kGeometry = ",format=GREY,width=130,height=94,buffers=2";

class OutputTest : public MountTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (IsSkipped()) return;
    directory_ = MakeScratchDirectory("screen");
    Show("screen.raw");
  }

  // Mounts a display that writes this file.
  void Show(const std::string& name) {
    screen_ = directory_ + "/" + name;
    Start({{"out0=display:" + screen_ + kGeometry}, {}});
  }
  [[nodiscard]] Device out() const { return mount().GetDevice("out0"); }
  // Of the picture on the screen, or nothing.
  [[nodiscard]] std::vector<std::byte> Shown() const {
    return Exists(screen_) ? ReadFile(screen_) : std::vector<std::byte>();
  }
  void SwitchWritebackOff() const { out().Set("writeback_ms", "0"); }

  std::string directory_;
  std::string screen_;
};

TEST_F(OutputTest, TheDeviceSaysThatItTakesPictures) {
  EXPECT_EQ(out().Get("direction"), "output");
  EXPECT_EQ(out().Get("writeback_ms"), "1000");
  EXPECT_EQ(out().TrySet("trigger", "1"), EOPNOTSUPP);
  EXPECT_EQ(out().TrySet("state", "start"), EOPNOTSUPP);
  EXPECT_EQ(out().TrySet("writeback_ms", "60001"), EINVAL);
  EXPECT_FALSE(Exists(out().latest()));
}

TEST_F(OutputTest, FsyncShowsWhatWasWritten) {
  SwitchWritebackOff();
  const UniqueFd fd = Open(out().Buffer(0), O_WRONLY);
  for (unsigned i = 0; i < 10; i++) {
    const auto picture = Marked(kScreenBytes, i);
    ASSERT_EQ(::pwrite(fd.get(), picture.data(), picture.size(), 0),
              static_cast<ssize_t>(picture.size()));
    EXPECT_NE(Shown(), picture) << "not before it is asked for";
    ASSERT_EQ(::fsync(fd.get()), 0);
    EXPECT_EQ(Shown(), picture);
  }
}

TEST_F(OutputTest, MsyncShowsWhatAMappingHasWritten) {
  SwitchWritebackOff();
  Mapping mapping = MapAndClose(out().Buffer(1), PROT_READ | PROT_WRITE);
  for (unsigned i = 0; i < 10; i++) {
    const auto picture = Marked(kScreenBytes, i);
    std::memcpy(mapping.data(), picture.data(), picture.size());
    ASSERT_EQ(::msync(mapping.data(), mapping.size(), MS_SYNC), 0);
    EXPECT_EQ(Shown(), picture);
  }
}

TEST_F(OutputTest, EachPictureIsAnEventAndCounts) {
  EventReader events(out());
  const UniqueFd fd = Open(out().Buffer(1), O_WRONLY);
  for (uint64_t sequence = 0; sequence < 3; sequence++) {
    ASSERT_EQ(::pwrite(fd.get(), "x", 1, 0), 1);
    ASSERT_EQ(::fdatasync(fd.get()), 0);
    const nlohmann::json event = events.NextOf("output");
    EXPECT_EQ(event.at("sequence"), sequence);
    EXPECT_EQ(event.at("buffer"), 1);
  }
  ASSERT_EQ(::fsync(fd.get()), 0);
  EXPECT_EQ(out().NextSequence(), 3U) << "nothing new was written";
}

TEST_F(OutputTest, SyncOfAFileShowsIt) {
  SwitchWritebackOff();
  const auto picture = Marked(kScreenBytes, 5);
  CreateFile(directory_ + "/picture", picture);
  const std::string buffer = out().Buffer(0);
  const CommandResult result =
      RunShell("cp " + directory_ + "/picture " + buffer + " && sync " + buffer);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(Shown(), picture);
}

TEST_F(OutputTest, WhatIsWrittenComesByItselfAfterAWhile) {
  out().Set("writeback_ms", "50");
  const auto picture = Marked(kScreenBytes, 6);
  const UniqueFd fd = Open(out().Buffer(0), O_WRONLY);
  ASSERT_EQ(::pwrite(fd.get(), picture.data(), picture.size(), 0),
            static_cast<ssize_t>(picture.size()));
  EXPECT_TRUE(WaitUntil([&] { return Shown() == picture; }));
}

TEST_F(OutputTest, WhatAMappingHasWrittenComesByItselfToo) {
  out().Set("writeback_ms", "50");
  const auto picture = Marked(kScreenBytes, 7);
  Mapping mapping = MapAndClose(out().Buffer(0), PROT_READ | PROT_WRITE);
  std::memcpy(mapping.data(), picture.data(), picture.size());
  EXPECT_TRUE(WaitUntil([&] { return Shown() == picture; }));
}

TEST_F(OutputTest, NothingIsLostWhenTheDaemonIsToldToEnd) {
  SwitchWritebackOff();
  const auto picture = Marked(kScreenBytes, 8);
  {
    const UniqueFd fd = Open(out().Buffer(0), O_WRONLY);
    ASSERT_EQ(::pwrite(fd.get(), picture.data(), picture.size(), 0),
              static_cast<ssize_t>(picture.size()));
  }
  mount().Unmount();
  EXPECT_EQ(Shown(), picture);
}

TEST_F(OutputTest, NothingThatIsMappedIsLostWhenTheDaemonIsToldToEnd) {
  SwitchWritebackOff();
  const auto picture = Marked(kScreenBytes, 9);
  Mapping mapping = MapAndClose(out().Buffer(0), PROT_READ | PROT_WRITE);
  std::memcpy(mapping.data(), picture.data(), picture.size());
  mount().Unmount();
  EXPECT_EQ(Shown(), picture);
}

TEST_F(OutputTest, NothingIsLostAtUmount) {
  SwitchWritebackOff();
  const auto picture = Marked(kScreenBytes, 10);
  CreateFile(directory_ + "/picture", picture);
  ASSERT_EQ(RunShell("cp " + directory_ + "/picture " + out().Buffer(1)).status, 0);
  const CommandResult result =
      RunCommand(::geteuid() == 0 ? std::vector<std::string>{"umount", mount().path()}
                                  : std::vector<std::string>{"fusermount3", "-u", mount().path()});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(mount().daemon().Wait(), 0);
  EXPECT_EQ(Shown(), picture);
  mount().Abandon();
}

TEST_F(OutputTest, AY4mFileGetsOnePictureAfterTheOther) {
  Show("screen.y4m");
  const UniqueFd fd = Open(out().Buffer(0), O_WRONLY);
  std::string expected = "YUV4MPEG2 W130 H94 F30:1 Ip A1:1 Cmono\n";
  for (unsigned i = 0; i < 3; i++) {
    const auto picture = Marked(kScreenBytes, i);
    ASSERT_EQ(::pwrite(fd.get(), picture.data(), picture.size(), 0),
              static_cast<ssize_t>(picture.size()));
    ASSERT_EQ(::fsync(fd.get()), 0);
    expected += "FRAME\n";
    expected.append(reinterpret_cast<const char*>(picture.data()), picture.size());
  }
  EXPECT_EQ(ReadText(screen_), expected);
}

TEST_F(OutputTest, AFileOfAPictureFormHasTheLastPicture) {
  struct Case {
    const char* name;
    std::string head;
  };
  const auto picture = Marked(kScreenBytes, 1);
  const std::string pixels(reinterpret_cast<const char*>(picture.data()), picture.size());
  for (const Case& c :
       {Case{"screen.png", "\x89PNG"}, Case{"screen.bmp", "BM"}, Case{"screen.tiff", "II*"},
        Case{"screen.npy", "\x93NUMPY"}, Case{"screen.pgm", "P5\n130 94\n255\n" + pixels}}) {
    Show(c.name);
    const UniqueFd fd = Open(out().Buffer(0), O_WRONLY);
    ASSERT_EQ(::pwrite(fd.get(), picture.data(), picture.size(), 0),
              static_cast<ssize_t>(picture.size()));
    ASSERT_EQ(::fsync(fd.get()), 0);
    EXPECT_TRUE(ReadText(screen_).starts_with(c.head)) << c.name;
  }
}

TEST_F(OutputTest, EveryFormatIsPlayedAsY4m) {
  screen_ = directory_ + "/screen.y4m";
  Start({{"out0=display:" + screen_ + ",format=P010,width=16,height=16,buffers=2"}, {}});
  const UniqueFd fd = Open(out().Buffer(0), O_WRONLY);
  const std::string samples(16 * 16 * 3, '\x40');  // 0x4040: 0x0101 in the low bits
  ASSERT_EQ(::pwrite(fd.get(), samples.data(), samples.size(), 0),
            static_cast<ssize_t>(samples.size()));
  ASSERT_EQ(::fsync(fd.get()), 0);
  EXPECT_EQ(ReadText(screen_), "YUV4MPEG2 W16 H16 F30:1 Ip A1:1 C420p10\nFRAME\n" +
                                   std::string(samples.size(), '\x01'));
}

TEST_F(OutputTest, WhatCannotBeWrittenIsAnError) {
  SwitchWritebackOff();
  const UniqueFd fd = Open(out().Buffer(0), O_WRONLY);
  ASSERT_EQ(::pwrite(fd.get(), "x", 1, 0), 1);
  std::filesystem::remove_all(directory_);
  EXPECT_EQ(ErrorOf(::fsync(fd.get())), ENOENT);
  EXPECT_NE(out().LastError(), "");
  std::filesystem::create_directory(directory_);
  EXPECT_EQ(::fsync(fd.get()), 0) << "and is not forgotten";
  EXPECT_EQ(Shown().size(), kScreenBytes);
}

}  // namespace
}  // namespace grabfs::mount_test
