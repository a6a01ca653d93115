// SPDX-License-Identifier: Apache-2.0
//
// The promise of frames/: a frame file is one frame, for ever that frame, exactly its bytes, and
// read-only for everybody.
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "tests/mount/support/aligned_buffer.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

using FramesTest = MountTest;

constexpr size_t kPage = 4096;

std::vector<std::byte> ReadDirect(const std::string& path, size_t bytes) {
  const UniqueFd fd = Open(path, O_RDONLY | O_DIRECT);
  AlignedBuffer buffer(bytes);
  const ssize_t got = ::read(fd.get(), buffer.data(), buffer.capacity());
  const size_t length = got < 0 ? 0 : static_cast<size_t>(got);
  return {buffer.data(), buffer.data() + length};
}

// What a process sees that looks at one byte of a mapping; the signal shows in the exit status.
int Touch(const volatile std::byte* byte) {
  return Child([byte](Child::Parent) {
           std::signal(SIGBUS, SIG_DFL);  // a sanitizer would turn it into its own report
           std::signal(SIGSEGV, SIG_DFL);
           static_cast<void>(std::to_integer<int>(*byte));
           return 0;
         })
      .Wait();
}

TEST_F(FramesTest, AnEmptyDeviceHasNoFrames) {
  EXPECT_TRUE(device().Frames().empty());
  EXPECT_EQ(OpenError(device().Frame(0), O_RDONLY), ENOENT);
  EXPECT_EQ(OpenError(device().latest(), O_RDONLY), ENOENT);
}

TEST_F(FramesTest, EveryCapturedFrameIsAFileWithItsSequenceNumber) {
  const uint64_t last = device().Capture(3);
  EXPECT_EQ(device().Frames(), (std::vector<uint64_t>{last - 2, last - 1, last}));
  for (const uint64_t sequence : device().Frames()) {
    EXPECT_TRUE(picture_.IsFrame(ReadFile(device().Frame(sequence)), sequence));
  }
}

TEST_F(FramesTest, ReadMmapAndDirectReadsSeeTheSameBytes) {
  const uint64_t sequence = device().Capture(1);
  const std::string path = device().Frame(sequence);
  EXPECT_TRUE(picture_.IsFrame(ReadFile(path), sequence));
  EXPECT_TRUE(picture_.IsFrame(MapAndClose(path).bytes(), sequence));
  EXPECT_TRUE(picture_.IsFrame(MapAndClose(path, PROT_READ, MAP_PRIVATE).bytes(), sequence));
  EXPECT_TRUE(picture_.IsFrame(ReadDirect(path, picture_.bytes()), sequence));
}

TEST_F(FramesTest, CpAndCatAndDdDeliverExactlyTheFrame) {
  const uint64_t sequence = device().Capture(1);
  const std::string path = device().Frame(sequence);
  const std::string copy = MakeScratchDirectory("copy") + "/frame.raw";
  for (const std::string command : {"cp ", "cat <", "dd bs=1000 status=none if="}) {
    const std::string target = command == "cp " ? " " + copy : " >" + copy;
    const CommandResult result = RunShell("rm -f " + copy + "; " + command + path + target);
    EXPECT_EQ(result.status, 0) << command << result.err;
    EXPECT_TRUE(picture_.IsFrame(ReadFile(copy), sequence)) << command;
  }
}

TEST_F(FramesTest, AFrameHasExactlyTheSizeOfItsImage) {
  const UniqueFd fd = Open(device().Frame(device().Capture(1)), O_RDONLY);
  const auto bytes = static_cast<off_t>(picture_.bytes());
  char byte = 0;
  EXPECT_EQ(StatFd(fd.get()).st_size, bytes);
  EXPECT_EQ(::lseek(fd.get(), 0, SEEK_END), bytes);
  EXPECT_EQ(::pread(fd.get(), &byte, 1, bytes - 1), 1);
  EXPECT_EQ(::pread(fd.get(), &byte, 1, bytes), 0);
  EXPECT_EQ(::pread(fd.get(), &byte, 1, bytes + off_t{kPage} * 100), 0);
}

TEST_F(FramesTest, AFrameHasNoHoles) {
  const UniqueFd fd = Open(device().Frame(device().Capture(1)), O_RDONLY);
  const auto bytes = static_cast<off_t>(picture_.bytes());
  EXPECT_EQ(::lseek(fd.get(), 0, SEEK_DATA), 0);
  EXPECT_EQ(::lseek(fd.get(), 0, SEEK_HOLE), bytes);
  EXPECT_EQ(ErrorOf(::lseek(fd.get(), bytes, SEEK_DATA)), ENXIO);
}

TEST_F(FramesTest, PagesBehindTheEndGiveSigbus) {
  const UniqueFd fd = Open(device().Frame(device().Capture(1)), O_RDONLY);
  const size_t pages = (picture_.bytes() + kPage - 1) / kPage;
  const Mapping mapping(fd.get(), (pages + 1) * kPage);
  EXPECT_EQ(Touch(mapping.data() + pages * kPage - 1), 0);
  EXPECT_EQ(Touch(mapping.data() + pages * kPage), 128 + SIGBUS);
}

TEST_F(FramesTest, NobodyMayWriteAFrame) {
  const std::string path = device().Frame(device().Capture(1));
  EXPECT_EQ(Stat(path).st_mode & 0777, 0444U);
  EXPECT_EQ(OpenError(path, O_RDWR), EACCES);
  EXPECT_EQ(OpenError(path, O_WRONLY), EACCES);
}

// Root gets past the mode bits, but not at the picture.
TEST_F(FramesTest, TruncatingOnOpenDoesNoHarm) {
  const uint64_t sequence = device().Capture(1);
  OpenError(device().Frame(sequence), O_RDONLY | O_TRUNC);
  EXPECT_TRUE(picture_.IsFrame(ReadFile(device().Frame(sequence)), sequence));
}

TEST_F(FramesTest, AReadOnlyMappingCannotBecomeWritable) {
  const UniqueFd fd = Open(device().Frame(device().Capture(1)), O_RDONLY);
  const Mapping mapping(fd.get(), picture_.bytes());
  EXPECT_EQ(ErrorOf(::mprotect(mapping.data(), mapping.size(), PROT_READ | PROT_WRITE)), EACCES);
  EXPECT_THROW(Mapping(fd.get(), picture_.bytes(), PROT_READ | PROT_WRITE), std::exception);
}

TEST_F(FramesTest, WritingToAPrivateMappingStaysPrivate) {
  const uint64_t sequence = device().Capture(1);
  const std::string path = device().Frame(sequence);
  const Mapping mine = MapAndClose(path, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  std::memset(mine.data(), 0, mine.size());
  EXPECT_TRUE(picture_.IsFrame(ReadFile(path), sequence));
}

TEST_F(FramesTest, ARecycledFrameIsGoneForGood) {
  const uint64_t first = device().Capture(1);
  device().Capture(kBuffers + 1);
  EXPECT_EQ(OpenError(device().Frame(first), O_RDONLY), ENOENT);
  EXPECT_EQ(OpenError(device().Path("frames/0.raw"), O_RDONLY), ENOENT);
  EXPECT_EQ(OpenError(device().Path("frames/junk"), O_RDONLY), ENOENT);
}

TEST_F(FramesTest, AnotherSpellingOfANumberIsNotItsName) {
  const uint64_t sequence = device().Capture(1);
  const std::string number = std::to_string(sequence);
  for (const std::string& name : {number + ".raw", "0" + number + ".raw", "+" + number + ".raw"}) {
    EXPECT_EQ(OpenError(device().Path("frames/" + name), O_RDONLY), ENOENT) << name;
  }
}

TEST_F(FramesTest, EveryFormatShowsItsPicture) {
  const std::vector<std::string> formats = {"GREY", "Y16",  "YUYV", "RGB3",
                                            "BGR3", "BGR4", "XR24", "NV12"};
  MountSpec spec;
  for (const std::string& format : formats) {
    spec.devices.push_back(format + "=pattern,format=" + format +
                           ",width=322,height=178,rate=0,buffers=3,state=stopped");
  }
  Start(spec);
  for (const std::string& format : formats) {
    const Device device = mount().GetDevice(format);
    const Picture picture(format, 322, 178);
    device.Capture(3);
    for (const uint64_t sequence : device.Frames()) {
      EXPECT_TRUE(picture.IsFrame(ReadFile(device.Frame(sequence)), sequence)) << format;
      EXPECT_TRUE(picture.IsFrame(MapAndClose(device.Frame(sequence)).bytes(), sequence)) << format;
    }
  }
}

TEST_F(FramesTest, TheSmallestAndALargePictureAreExact) {
  Start({{"small=pattern,format=GREY,width=16,height=16,rate=0,buffers=2,state=stopped",
          "large=pattern,format=BGR4,width=4096,height=2160,rate=0,buffers=2,state=stopped"},
         {}});
  const Picture small("GREY", 16, 16);
  const Picture large("BGR4", 4096, 2160);
  uint64_t sequence = mount().GetDevice("small").Capture(2);
  EXPECT_TRUE(small.IsFrame(ReadFile(mount().GetDevice("small").Frame(sequence)), sequence));
  sequence = mount().GetDevice("large").Capture(2);
  EXPECT_TRUE(
      large.IsFrame(MapAndClose(mount().GetDevice("large").Frame(sequence)).bytes(), sequence));
}

}  // namespace
}  // namespace grabfs::mount_test
