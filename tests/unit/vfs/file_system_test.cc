// SPDX-License-Identifier: Apache-2.0
//
// The tree without a mount: what is listed can be read, whatever size a camera's pictures have;
// what the directories of frames say; a device that has been unplugged.
#include "fusefs/vfs/file_system.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/picture/jpeg.h"
#include "fusefs/source/software/software.h"
#include "fusefs/vfs/names.h"

namespace grabfs {
namespace {

const Caller kCaller = {.uid = 0, .gid = 0, .pid = 1};

class CountingKernel final : public Kernel {
 public:
  void InvalidateName(Name /*name*/) override {}
  void InvalidateNames(std::vector<Name> /*names*/) override {}
  void InvalidateAttributes(uint64_t inode) override {
    if (inode == of) ++forgotten;
  }
  void InvalidatePages(uint64_t /*inode*/) override {}
  void WakeHousekeeper() override {}
  void WatchAccess(std::vector<Directory> /*directories*/) override {}
  bool CollectAccess(uint32_t /*device*/) override { return true; }
  void Announce(uint64_t /*inode*/, std::string /*path*/, Announcement /*what*/) override {}
  [[nodiscard]] Announcement AnnouncementBy(pid_t /*process*/, uint64_t /*inode*/) const override {
    return Announcement::kNone;
  }
  [[nodiscard]] dev_t device_number() const override { return 0; }

  std::atomic<uint64_t> of = 0;
  std::atomic<unsigned> forgotten = 0;
};

// A camera with pictures of its own size, which can be unplugged.
class Camera final : public SoftwareSource {
 public:
  explicit Camera(const FrameFormat& format) : SoftwareSource(Rate{30, 1}) { format_ = format; }
  [[nodiscard]] std::string description() const override { return "camera"; }

 protected:
  FrameFormat OnSetFormat(const FormatRequest& /*request*/) override { return format_; }
  void Paint(uint64_t sequence, std::span<std::byte> frame) override {
    std::ranges::fill(frame, static_cast<std::byte>(sequence));
  }
};

// A camera whose every frame is this file.
class JpegCamera final : public SoftwareSource {
 public:
  JpegCamera(uint32_t width, uint32_t height, Bytes file)
      : SoftwareSource(Rate{30, 1}), file_(std::move(file)) {
    format_ = {.fourcc = kMjpg, .width = width, .height = height, .bytes = file_.size()};
  }
  [[nodiscard]] std::string description() const override { return "JPEG camera"; }

 protected:
  FrameFormat OnSetFormat(const FormatRequest& /*request*/) override { return format_; }
  void Paint(uint64_t /*sequence*/, std::span<std::byte> frame) override {
    std::ranges::copy(std::as_bytes(std::span(file_)), frame.begin());
  }

 private:
  const Bytes file_;
};

// A source that is gone as soon as something is asked of it.
class Unplugged final : public Source {
 public:
  explicit Unplugged(std::atomic<bool>& plugged) : plugged_(plugged) {
    format_ = MakeFrameFormat(kGrey, 16, 16);
  }
  [[nodiscard]] std::string description() const override { return "unplugged"; }
  [[nodiscard]] int event_fd() const override { return -1; }

 protected:
  FrameFormat OnSetFormat(const FormatRequest& /*request*/) override { return format_; }
  void OnSetRate(Rate /*rate*/) override {}
  void OnBind(const std::vector<std::shared_ptr<Memory>>& /*buffers*/) override {}
  void OnAttach(uint32_t /*buffer*/, std::shared_ptr<Memory> /*memory*/) override {}
  void OnDetach(uint32_t /*buffer*/) override {}
  void OnStart(uint64_t /*frames*/) override {}
  void OnExtend(uint64_t /*frames*/) override {}
  void OnStop() override {}
  uint32_t OnWanted() override { return queued_ ? 0 : 1; }
  void OnQueue(uint32_t buffer) override { queued_ = buffer; }
  std::optional<Completion> OnDequeue() override {
    Completion completion;
    if (!plugged_) {
      completion.kind = Completion::Kind::kGone;
      completion.reason = "unplugged";
      return completion;
    }
    if (!queued_) return std::nullopt;
    completion.buffer = *std::exchange(queued_, std::nullopt);
    completion.bytes_used = format_.bytes;
    return completion;
  }

 private:
  std::atomic<bool>& plugged_;
  std::optional<uint32_t> queued_;
};

class FileSystemTest : public ::testing::Test {
 protected:
  ~FileSystemTest() override {
    if (files_) files_->Stop();
  }

  void Start(std::unique_ptr<Source> source) {
    std::vector<std::unique_ptr<Device>> devices;
    devices.push_back(
        std::make_unique<Device>(Device::Config{.name = "cam0", .buffers = 4}, std::move(source)));
    device_ = devices.front().get();
    files_.emplace(FileSystem::Options{}, std::move(devices));
    files_->Attach(&kernel_);
    files_->SetDataPath({});
    files_->Start();
    directory_ = Lookup(kRootInode, "cam0");
    frames_ = Lookup(directory_, "frames");
    kernel_.of = frames_;
  }
  // Captures frames and waits until they are there.
  void Capture(uint64_t count) {
    const uint64_t before = device_->state().next_sequence;
    device_->Trigger(count, [](const Error*) {});
    AwaitThat([&] {
      const DeviceState state = device_->state();
      return state.next_sequence == before + count && state.trigger == 0;
    });
  }
  template <typename Condition>
  static void AwaitThat(Condition&& condition) {
    while (!std::forward<Condition>(condition)()) std::this_thread::yield();
  }
  uint64_t Lookup(uint64_t parent, const std::string& name) {
    return files_->Lookup(parent, name, kCaller).attr.stat.st_ino;
  }
  int LookupError(uint64_t parent, const std::string& name) {
    try {
      Lookup(parent, name);
      return 0;
    } catch (const Error& error) {
      return error.code();
    }
  }
  // Names with the sizes that stat() says.
  std::map<std::string, uint64_t> List(uint64_t directory) {
    std::map<std::string, uint64_t> names;
    files_->ReadDir(directory, 0, kCaller,
                    [&](const std::string& name, const Entry& entry, uint64_t /*next*/) {
                      names[name] = static_cast<uint64_t>(entry.attr.stat.st_size);
                      return true;
                    });
    return names;
  }
  // How many bytes it has.
  uint64_t Read(uint64_t inode) {
    uint64_t size = 0;
    files_->Open(inode, O_RDONLY, kCaller)
        ->Read(0, 1 << 20, true, [&](std::span<const std::byte> data, const Error* error) {
          size = error ? 0 : data.size();
        });
    return size;
  }
  timespec TimeOfFrames() { return files_->GetAttr(frames_).stat.st_mtim; }

  CountingKernel kernel_;
  std::optional<FileSystem> files_;
  Device* device_ = nullptr;
  uint64_t directory_ = 0;
  uint64_t frames_ = 0;
};

bool Later(const timespec& a, const timespec& b) {
  return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

class PicturesTest : public FileSystemTest {
 protected:
  // Of two frames.
  void ExpectReadable(const std::string& form) {
    const uint64_t directory = Lookup(directory_, "frames." + form);
    const auto pictures = List(directory);
    EXPECT_EQ(pictures.size(), 2U) << form;
    for (const auto& [picture, size] : pictures) {
      EXPECT_EQ(Read(Lookup(directory, picture)), size) << picture;
    }
    EXPECT_GT(Read(Lookup(directory_, "latest." + form)), 0U);
  }
};

class OddSizeTest : public PicturesTest, public ::testing::WithParamInterface<Fourcc> {};

TEST_P(OddSizeTest, PicturesThatAreListedCanBeRead) {
  Start(std::make_unique<Camera>(PackedFormat(GetParam(), 37, 23)));
  Capture(2);
  for (const PictureForm form : PictureForms()) {
    const std::string name(PictureFormName(form));
    if (name != "jpg") ExpectReadable(name);
  }
  EXPECT_TRUE(List(Lookup(directory_, "frames.jpg")).empty());
  EXPECT_FALSE(List(directory_).contains("latest.jpg"));
}

INSTANTIATE_TEST_SUITE_P(Formats, OddSizeTest,
                         ::testing::Values(kGrey, kY16, kYuyv, kRgb3, kBgr4, kNv12, kYu12, k422p,
                                           kYuv444, MakeFourcc("RGGB"), MakeFourcc("GB12"),
                                           MakeFourcc("Y10"), MakeFourcc("P010"),
                                           MakeFourcc("UYVY")),
                         [](const auto& format) {
                           std::string name = "Of" + FourccName(format.param);
                           return name;
                         });

TEST_F(PicturesTest, ACameraThatMakesJpegHasAllForms) {
  const Bytes file = EncodeJpeg({37, 23, 3, 8, Bytes(37 * 23 * 3, 77)});
  Start(std::make_unique<JpegCamera>(37, 23, file));
  Capture(2);
  for (const PictureForm form : PictureForms()) ExpectReadable(std::string(PictureFormName(form)));
  EXPECT_EQ(Read(Lookup(directory_, "latest.jpg")), file.size());
}

TEST_F(PicturesTest, WhatIsNoJpegIsAnErrorWhenItIsRead) {
  Start(std::make_unique<JpegCamera>(37, 23, Bytes(1000, 77)));
  Capture(2);
  EXPECT_EQ(Read(Lookup(directory_, "latest.jpg")), 1000U) << "as the camera made it";
  EXPECT_THROW(Read(Lookup(directory_, "latest.pnm")), Error);
}

TEST_F(FileSystemTest, FramesThatAreTooShortForTheirSizeAreNotListedAsPictures) {
  FrameFormat format = PackedFormat(kNv12, 37, 23);
  --format.bytes;
  Start(std::make_unique<Camera>(format));
  Capture(1);
  EXPECT_TRUE(List(Lookup(directory_, "frames.pnm")).empty());
  EXPECT_EQ(LookupError(directory_, "latest.pnm"), ENOENT);
  EXPECT_FALSE(List(directory_).contains("latest.pnm"));
}

TEST_F(FileSystemTest, TheTimeOfFramesIsThatOfTheLastNameThatCameOrWent) {
  Start(std::make_unique<Camera>(MakeFrameFormat(kGrey, 16, 16)));
  const timespec before = TimeOfFrames();
  Capture(1);
  const timespec came = TimeOfFrames();
  EXPECT_TRUE(Later(came, before));
  files_->Unlink(frames_, "00000000.raw", kCaller);
  const timespec went = TimeOfFrames();
  EXPECT_TRUE(Later(went, came));
  EXPECT_FALSE(Later(TimeOfFrames(), went));
}

TEST_F(FileSystemTest, TheKernelIsToldWhenItKnowsAnOlderTime) {
  Start(std::make_unique<Camera>(MakeFrameFormat(kGrey, 16, 16)));
  AwaitThat([&] { return TimeOfFrames(), true; });
  Capture(1);
  AwaitThat([&] { return kernel_.forgotten >= 1; });
  const unsigned forgotten = kernel_.forgotten;
  Capture(3);
  EXPECT_EQ(kernel_.forgotten, forgotten) << "it does not know one";
}

// The kernel repeats a lookup once after ESTALE, wherever that came from: at the open, or at the
// question for attributes that it asks before it.
TEST_F(FileSystemTest, WhoeverFindsTheLatestFrameGoneFindsItAtTheSecondTry) {
  for (const bool asks_first : {true, false}) {
    Start(std::make_unique<Camera>(MakeFrameFormat(kGrey, 16, 16)));
    Capture(1);
    const uint64_t first = Lookup(directory_, "latest.raw");
    Capture(4);
    EXPECT_THROW(asks_first ? (void)files_->GetAttr(first) : (void)Read(first), Error);
    const uint64_t second = Lookup(directory_, "latest.raw");
    Capture(5);
    EXPECT_EQ(Read(second), 256U) << (asks_first ? "asked first" : "opened");
    files_->Stop();
  }
}

TEST_F(FileSystemTest, ADeviceThatIsGoneHasNoLatestFrame) {
  std::atomic<bool> plugged = true;
  Start(std::make_unique<Unplugged>(plugged));
  Capture(1);
  EXPECT_EQ(LookupError(directory_, "latest.raw"), 0);
  plugged = false;
  device_->Trigger(1, [](const Error*) {});
  AwaitThat([&] { return device_->gone(); });
  EXPECT_EQ(LookupError(directory_, "latest.raw"), ENODEV);
  EXPECT_EQ(LookupError(directory_, "latest.pnm"), ENODEV);
  EXPECT_FALSE(List(directory_).contains("latest.raw"));
  EXPECT_EQ(LookupError(frames_, "00000000.raw"), 0) << "its frames stay";
}

TEST_F(FileSystemTest, WhatIsListedIsFoundAndItsDirectoriesAreCounted) {
  Start(std::make_unique<Camera>(MakeFrameFormat(kGrey, 16, 16)));
  Capture(1);
  for (const uint64_t directory : {kRootInode, directory_}) {
    nlink_t links = 2;
    files_->ReadDir(directory, 0, kCaller,
                    [&](const std::string& name, const Entry& entry, uint64_t) {
                      EXPECT_EQ(Lookup(directory, name), entry.attr.stat.st_ino) << name;
                      if (S_ISDIR(entry.attr.stat.st_mode)) ++links;
                      return true;
                    });
    EXPECT_EQ(files_->GetAttr(directory).stat.st_nlink, links);
  }
}

TEST_F(FileSystemTest, AListingGoesOnWhereItHasStopped) {
  Start(std::make_unique<Camera>(MakeFrameFormat(kGrey, 16, 16)));
  for (const uint64_t directory : {kRootInode, directory_}) {
    std::map<std::string, uint64_t> names;
    uint64_t offset = 0;
    for (bool more = true; more;) {
      more = false;
      files_->ReadDir(directory, offset, kCaller,
                      [&](const std::string& name, const Entry&, uint64_t next) {
                        if (more) return false;
                        EXPECT_TRUE(names.emplace(name, next).second) << name;
                        offset = next;
                        return more = true;
                      });
    }
    EXPECT_EQ(names.size(), List(directory).size());
  }
}

TEST_F(FileSystemTest, StatusHasTheSizeThatStatSays) {
  Start(std::make_unique<Camera>(MakeFrameFormat(kGrey, 16, 16)));
  for (const uint64_t inode : {kRootStatusInode, Lookup(directory_, "status.json")}) {
    const auto said = [&] { return static_cast<uint64_t>(files_->GetAttr(inode).stat.st_size); };
    const uint64_t before = said();
    EXPECT_EQ(Read(inode), before);
    Capture(1);
    EXPECT_NE(said(), before) << "null has become a number";
    EXPECT_EQ(Read(inode), said());
    files_->Unlink(frames_, FrameName(device_->state().next_sequence - 1), kCaller);
  }
}

TEST_F(FileSystemTest, ANumberOfNoKindIsStale) {
  Start(std::make_unique<Camera>(MakeFrameFormat(kGrey, 16, 16)));
  try {
    files_->GetAttr(Inode{kMountItself, NodeKind::kEnd}.number());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ESTALE);
  }
}

}  // namespace
}  // namespace grabfs
