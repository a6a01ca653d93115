// SPDX-License-Identifier: Apache-2.0
//
// Cameras in the mount: vivid, the kernel's camera without hardware, by every way into memory and
// with every fault that it can be told to have. Its nodes, in the order of tests/vm/BUILD.bazel:
//
//   /dev/video0   memory of any pages; inputs: a camera, a television, HDMI
//   /dev/video1   memory in one piece only (dma-contig)
//   /dev/video2   multi-planar
//
// Pictures do not move, so that read(2) on the node tells what each byte must be.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "fusefs/base/error.h"
#include "grabfs/grabfs.h"
#include "tests/mount/support/channel.h"
#include "tests/vm/guest/camera_fixture.h"

namespace grabfs::vm {
namespace {

using mount_test::ReadFile;

constexpr char kAnyMemory[] = "/dev/video0";
constexpr char kOnePiece[] = "/dev/video1";
constexpr char kPlanar[] = "/dev/video2";

class V4l2Test : public CameraTest {
 protected:
  // Mounts a node as cam0, with a picture that stands still.
  void Start(const std::string& node, const std::string& keys = "") {
    node_ = node;
    MountCamera(node, ",osd_text_mode=None" + keys);
  }
  void TearDown() override {
    if (mount_ && !HasFatalFailure()) Calm();
  }
  // What tests have changed on the camera, which outlives the mount.
  void Calm() const {
    if (!mount_test::Exists(device().Path("controls"))) return;
    for (const auto& [name, value] :
         {std::pair("percentage_of_dropped_buffers", "0"), std::pair("wrap_sequence_number", "0"),
          std::pair("wrap_timestamp", "None"), std::pair("test_pattern", "0")}) {
      static_cast<void>(device().TrySet("controls/" + std::string(name), value));
    }
  }

  void Control(const std::string& name, const std::string& value) const {
    device().Set("controls/" + name, value);
  }
  // What the driver's own read() gives, while grabfs does not capture.
  [[nodiscard]] std::vector<std::byte> Reference() const {
    const UniqueFd node(open(node_.c_str(), O_RDONLY | O_CLOEXEC));
    std::vector<std::byte> picture(std::stoul(device().Get("bytes")));
    const ssize_t got = read(node.get(), picture.data(), picture.size());
    EXPECT_EQ(got, static_cast<ssize_t>(picture.size())) << ErrnoText(errno);
    return picture;
  }
  // The frames of one capture are the reference, byte for byte.
  void ExpectExactFrames(unsigned count) const {
    const auto reference = Reference();
    SpoilBuffers();
    const uint64_t last = device().Capture(count);
    // An emulated camera loses one now and then, the last one too.
    size_t exact = 0;
    for (const uint64_t sequence : device().Frames()) {
      if (sequence + count <= last) continue;
      const std::string frame = device().Frame(sequence);
      EXPECT_TRUE(ReadFile(frame) == reference) << "frame " << sequence;
      EXPECT_EQ(mount_test::Xattr(frame, "bytes_used"), device().Get("bytes"));
      ++exact;
    }
    EXPECT_GT(exact, 0U);
    ExpectClosedBooks();
  }

  std::string node_;
};

// --- Ways into memory

class V4l2PathTest : public V4l2Test, public testing::WithParamInterface<const char*> {};

TEST_P(V4l2PathTest, FramesAreExact) {
  const std::string path = GetParam();
  if (path == "dmabuf" && access("/dev/udmabuf", F_OK) != 0) {
    GTEST_SKIP() << "this kernel has no udmabuf";
  }
  Start(kAnyMemory, ",io=" + path + ",width=640,height=360,format=BGR4");
  EXPECT_EQ(Setting("io"), path);
  ExpectExactFrames(6);
}

// The driver has pinned pages that the buffer has no more once it was renewed: it must be given the
// new ones, or frames would stand still.
TEST_P(V4l2PathTest, WhatIsOnItsWayStaysAndTheDriverIsGivenOtherPages) {
  const std::string path = GetParam();
  if (path == "dmabuf" && access("/dev/udmabuf", F_OK) != 0) {
    GTEST_SKIP() << "this kernel has no udmabuf";
  }
  Start(kAnyMemory, ",io=" + path + ",width=640,height=360,format=BGR4");
  constexpr const char* kPatterns[] = {"100% White", "100% Black"};
  std::vector<std::vector<std::byte>> references;
  for (const char* const pattern : kPatterns) {
    Control("test_pattern", pattern);
    references.push_back(Reference());
  }
  device().Set("state", "start");
  std::optional<mount_test::Channel> before;
  size_t sent = 0;
  for (unsigned round = 0; round < 3 * kBuffers; ++round) {
    Control("test_pattern", kPatterns[round % 2]);
    AwaitFrames(kBuffers + 2);
    if (before) {
      const auto arrived = before->Receive();
      ASSERT_EQ(arrived.size(), sent);
      EXPECT_TRUE(std::ranges::equal(arrived, std::span(references[(round + 1) % 2]).first(sent)))
          << "round " << round;
    }
    EXPECT_TRUE(ReadFile(device().latest()) == references[round % 2]) << "round " << round;
    const UniqueFd frame = mount_test::Open(device().latest(), O_RDONLY);
    before = mount_test::Channel::Pipe();
    sent = before->Splice(frame.get(), 0, references[0].size());
    ASSERT_GT(sent, 0U);
  }
  device().Stop();
  EXPECT_EQ(Setting("io"), path) << Setting("io_reason");
  const bool passed_through = device().Status().at("data_path") == "passthrough";
  EXPECT_EQ(device().Status().at("memory").at("renewed") > 0, passed_through);
  ExpectClosedBooks();
}

INSTANTIATE_TEST_SUITE_P(All, V4l2PathTest, testing::Values("userptr", "dmabuf", "mmap"),
                         [](const auto& path) { return std::string(path.param); });

TEST_F(V4l2Test, ADriverThatTakesAnyMemoryIsGivenOurs) {
  Start(kAnyMemory, ",width=640,height=360,format=BGR4");
  EXPECT_EQ(Setting("io"), "userptr");
  EXPECT_EQ(Setting("driver"), "vivid");
  ExpectExactFrames(4);
}

TEST_F(V4l2Test, ADriverThatTakesOnePieceOnlyIsCopiedFrom) {
  Start(kOnePiece, ",width=640,height=360,format=YUYV");
  EXPECT_EQ(Setting("io"), "mmap") << Setting("io_reason");
  EXPECT_NE(Setting("io_reason").find("userptr: "), std::string::npos) << Setting("io_reason");
  ExpectExactFrames(4);
}

TEST_F(V4l2Test, PlanesOfAFrameAreOneFile) {
  for (const char* const format : {"NV12", "NM12", "YM12"}) {
    Start(kPlanar, std::string(",width=320,height=180,format=") + format);
    EXPECT_EQ(device().Get("bytes"), std::to_string(320 * 180 * 3 / 2)) << format;
    EXPECT_EQ(Setting("io"), "userptr");
    SpoilBuffers();
    const auto direct = ReadFile(device().Frame(device().Capture(1)));
    Start(kPlanar, std::string(",io=mmap,width=320,height=180,format=") + format);
    EXPECT_TRUE(ReadFile(device().Frame(device().Capture(1))) == direct) << format;
  }
}

TEST_F(V4l2Test, ManyReadersSeeWholeFrames) {
  constexpr unsigned kReaders = 4;
  Start(kAnyMemory, ",width=320,height=180,format=YUYV,rate=30");
  const auto reference = Reference();
  SpoilBuffers();
  device().Set("state", "start");
  // Not its number: on a busy machine the camera loses the first frames.
  WaitUntil("the first frame", [&] { return mount_test::Exists(device().latest()); });
  std::vector<std::unique_ptr<mount_test::Child>> readers;
  for (unsigned reader = 0; reader < kReaders; ++reader) {
    readers.push_back(std::make_unique<mount_test::Child>([&](const mount_test::Child::Parent&) {
      constexpr int kLooks = 20;
      for (int look = 0; look < kLooks; ++look) {
        if (ReadFile(device().latest()) != reference) return 1;
      }
      return 0;
    }));
  }
  for (const auto& reader : readers) EXPECT_EQ(reader->Wait(), 0);
  device().Stop();
  ExpectClosedBooks();
}

TEST_F(V4l2Test, FramesAreCapturedIntoMemoryOfTheUsers) {
  Start(kAnyMemory, ",width=320,height=180,format=YUYV");
  const auto reference = Reference();
  const std::string file = mount_->Path("alloc/mine");
  mount_test::CreateFile(file, std::vector<std::byte>(reference.size(), std::byte{0xa5}));
  for (int round = 0; round < 3; ++round) {
    device().Set("into", "mine");
    WaitUntil("the frame", [&] { return device().Get("into").empty(); });
    EXPECT_TRUE(ReadFile(file) == reference);
  }
}

// --- Format and controls

TEST_F(V4l2Test, SizesAreThoseOfTheDevice) {
  Start(kAnyMemory, ",width=320,height=180,format=YUYV");
  EXPECT_EQ(device().TrySet("width", "333"), EINVAL);
  EXPECT_NE(device().LastError().find("320x180"), std::string::npos) << device().LastError();
  device().Set("width", "1280");
  EXPECT_EQ(device().Get("height"), "720");
  device().Set("format", "GREY");
  EXPECT_EQ(device().Get("bytes"), std::to_string(1280 * 720));
  EXPECT_EQ(device().TrySet("format", "ZZZZ"), EINVAL);
  EXPECT_EQ(device().TrySet("rate", "29"), EINVAL);
  EXPECT_NE(device().LastError().find("it makes"), std::string::npos) << device().LastError();
}

TEST_F(V4l2Test, ControlsAreFiles) {
  Start(kAnyMemory, ",width=320,height=180,format=YUYV");
  Control("brightness", "10");
  EXPECT_EQ(device().Get("controls/brightness"), "10");
  EXPECT_EQ(device().TrySet("controls/brightness", "300"), EINVAL);
  EXPECT_NE(mount_test::ReadText(device().Path("controls/brightness.info")).find("maximum 255"),
            std::string::npos);
  EXPECT_EQ(device().Get("controls/brightness"), "10");
  EXPECT_EQ(mount_test::OpenError(device().Path("controls/brightness.info"), O_WRONLY), EACCES);
  EXPECT_EQ(mount_test::OpenError(device().Path("controls/nothing"), O_RDONLY), ENOENT);

  Control("test_pattern", "100% White");
  const auto white = Reference();
  Control("test_pattern", "100% Black");
  EXPECT_FALSE(Reference() == white);
  device().Set("state", "start");
  Control("test_pattern", "100% White");
  AwaitFrames(kBuffers);
  EXPECT_TRUE(ReadFile(device().latest()) == white) << "controls work while capturing";
}

TEST_F(V4l2Test, EveryControlTakesWhatItPrints) {
  Start(kAnyMemory, ",width=320,height=180,format=YUYV");
  for (const std::string& name : mount_test::List(device().Path("controls"))) {
    if (name.ends_with(".info") || name == "disconnect") continue;
    const auto mode = mount_test::Stat(device().Path("controls/" + name)).st_mode;
    const std::string value = device().Get("controls/" + name);
    if ((mode & 0222) == 0 || value.empty()) continue;
    const int error = device().TrySet("controls/" + name, value);
    EXPECT_TRUE(error == 0 || error == EACCES) << name << " " << value << " " << error;
  }
}

TEST_F(V4l2Test, AnotherInputHasAnotherFormat) {
  Start(kAnyMemory, ",width=320,height=180,format=YUYV");
  const std::string inputs = mount_test::ReadText(device().Path("controls/input.info"));
  EXPECT_NE(inputs.find("menu 1 "), std::string::npos) << inputs;
  Control("input", "1");
  EXPECT_EQ(device().Get("width"), "720");
  Control("standard", "PAL");
  EXPECT_EQ(device().Get("height"), "576");
  static_cast<void>(device().Capture(1));
  const auto field = mount_test::Xattr(device().latest(), "field");
  EXPECT_NE(field, "none");
  Control("input", "0");
}

TEST_F(V4l2Test, ADigitalInputFollowsItsSignal) {
  Start(kAnyMemory, ",width=320,height=180,format=YUYV");
  EXPECT_EQ(device().Get("controls/dv_timings"), "none");
  Control("input", "2");
  Control("dv_timings", "1280x720p50");
  EXPECT_EQ(device().Get("width"), "1280");
  EXPECT_EQ(device().Get("controls/dv_timings"), "1280x720p50");
  ExpectExactFrames(2);
  Control("dv_timings", "auto");
  const std::string info = mount_test::ReadText(device().Path("controls/dv_timings.info"));
  EXPECT_NE(info.find("\ndetected " + device().Get("controls/dv_timings") + "\n"),
            std::string::npos)
      << info;
  EXPECT_EQ(device().TrySet("controls/dv_timings", "123x45p6"), EINVAL);
  Control("input", "0");
  EXPECT_EQ(device().Get("controls/dv_timings"), "none");
}

TEST_F(V4l2Test, FramesDescribeThemselves) {
  Start(kAnyMemory, ",width=320,height=180,format=YUYV");
  const std::string frame = device().Frame(device().Capture(1));
  EXPECT_EQ(mount_test::Xattr(frame, "field"), "none");
  EXPECT_EQ(mount_test::Xattr(frame, "colorspace"), "srgb");
  EXPECT_EQ(mount_test::Xattr(frame, "timestamp_clock").substr(0, 9), "monotonic");
  EXPECT_EQ(mount_test::Xattr(frame, "timestamp_ns"),
            mount_test::Xattr(frame, "device_timestamp_ns"));
  EXPECT_GT(std::stoull(mount_test::Xattr(frame, "received_ns")), 0U);
}

// --- Faults

TEST_F(V4l2Test, DamagedPicturesAreNotShown) {
  Start(kAnyMemory, ",width=320,height=180,format=YUYV,rate=30");
  device().Set("state", "start");
  AwaitFrames(2);
  Control("inject_v4l2_buf_flag_error", "1");
  WaitUntil("the failure", [this] { return Counter("failed") >= 1; });
  device().Stop();
  ExpectClosedBooks();
}

TEST_F(V4l2Test, LossesAreCounted) {
  Start(kAnyMemory, ",width=320,height=180,format=YUYV,rate=30");
  Control("percentage_of_dropped_buffers", "50");
  device().Set("state", "start");
  WaitUntil("losses", [this] { return Counter("dropped") >= 5; });
  device().Stop();
  ExpectClosedBooks();
  ASSERT_FALSE(device().Frames().empty());
}

TEST_F(V4l2Test, NumbersAndTimesMayWrap) {
  Start(kAnyMemory, ",width=320,height=180,format=YUYV,rate=60");
  Control("wrap_sequence_number", "1");
  Control("wrap_timestamp", "64 Bit");
  device().Set("state", "start");
  // vivid wraps after 128 frames and after 16 seconds.
  AwaitFrames(160);
  device().Stop();
  EXPECT_LT(device().NextSequence(), 100000U);
  const std::string newest = device().latest();
  EXPECT_EQ(mount_test::Xattr(newest, "timestamp_ns"), mount_test::Xattr(newest, "received_ns"));
  EXPECT_NE(mount_test::Xattr(newest, "timestamp_ns"),
            mount_test::Xattr(newest, "device_timestamp_ns"));
  ExpectClosedBooks();
}

TEST_F(V4l2Test, ErrorsOfTheDriverAreToldAndTheNextStartWorks) {
  Start(kAnyMemory, ",width=320,height=180,format=YUYV,rate=30");
  for (const char* const fault : {"inject_vidioc_streamon_error", "inject_vidioc_reqbufs_error"}) {
    Control(fault, "1");
    EXPECT_NE(device().TrySet("state", "start"), 0) << fault;
    EXPECT_NE(device().LastError(), "") << fault;
    static_cast<void>(device().Capture(2));
  }
  device().Set("state", "start");
  AwaitFrames(1);
  Control("inject_fatal_streaming_error", "1");
  WaitUntil("the end", [this] { return device().Get("state") == "error"; });
  EXPECT_NE(device().LastError(), "");
  static_cast<void>(device().Capture(2));
  ExpectClosedBooks();
}

TEST_F(V4l2Test, ABufferThatTheDriverRefusesOnceIsQueuedAgain) {
  for (const char* const path : {"userptr", "mmap"}) {
    Start(kAnyMemory, std::string(",width=320,height=180,format=YUYV,rate=30,io=") + path);
    device().Set("state", "start");
    AwaitFrames(1);
    Control("inject_vidioc_qbuf_error", "1");
    AwaitFrames(2 * kBuffers);
    EXPECT_EQ(device().Get("state"), "streaming") << path;
    device().Stop();
    ExpectClosedBooks();
  }
}

// By libgrabfs, where the kernel has passthrough without a word to the daemon: what is held is not
// given to the driver, which would fill it with another picture.
TEST_F(V4l2Test, ABufferThatIsHeldIsNotQueued) {
  Start(kAnyMemory);
  grabfs_device* camera = nullptr;
  ASSERT_EQ(grabfs_open(device().Path("").c_str(), &camera), 0) << grabfs_reason();
  const bool passthrough = device().Status().at("data_path") == "passthrough";
  EXPECT_STREQ(grabfs_path(camera), passthrough ? "ring" : "files");
  Control("test_pattern", "0");
  device().Capture(kBuffers);
  ASSERT_EQ(grabfs_seek(camera, 0), 0);
  std::vector<const grabfs_frame*> held;
  std::vector<std::vector<std::byte>> copies;
  const grabfs_frame* frame = nullptr;
  while (grabfs_each(camera, 0, &frame) == 0) {
    const auto* const pixels = static_cast<const std::byte*>(frame->data);
    held.push_back(frame);
    copies.emplace_back(pixels, pixels + frame->bytes);
  }
  ASSERT_EQ(held.size(), static_cast<size_t>(grabfs_hold_limit(camera)));
  Control("test_pattern", "3");
  const uint64_t last = device().Capture(20);
  EXPECT_NE(ReadFile(device().Frame(last)), copies.front()) << "the picture is another one";
  EXPECT_EQ(device().Status().at("buffers").at("held"), held.size());
  for (size_t i = 0; i < held.size(); ++i) {
    EXPECT_EQ(std::memcmp(held[i]->data, copies[i].data(), copies[i].size()), 0)
        << held[i]->sequence;
    grabfs_release(held[i]);
  }
  grabfs_close(camera);
  EXPECT_TRUE(
      mount_test::WaitUntil([&] { return device().Status().at("buffers").at("held") == 0; }));
}

TEST_F(V4l2Test, HoldingEverythingStopsNothingForEver) {
  Start(kAnyMemory, ",width=320,height=180,format=YUYV,rate=30");
  device().Set("state", "start");
  AwaitFrames(1);
  std::vector<UniqueFd> held;
  // Those that are being filled are waited for.
  for (unsigned index = 0; index < kBuffers; ++index) {
    held.push_back(mount_test::Open(device().Buffer(index), O_RDONLY));
    ASSERT_EQ(flock(held.back().get(), LOCK_SH), 0) << ErrnoText(errno);
  }
  EXPECT_EQ(device().Status().at("buffers").at("held"), kBuffers);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  held.clear();
  AwaitFrames(5);
  EXPECT_GT(Counter("dropped"), 0U);
  device().Stop();
  ExpectClosedBooks();
}

// --- The end. Last, because all nodes go and come back.

class Vivid {
 public:
  static void Unbind() { Tell("unbind"); }
  static void Bind() { Tell("bind"); }

 private:
  static void Tell(const std::string& file) {
    const std::string path = "/sys/bus/platform/drivers/vivid/" + file;
    if (mount_test::WriteText(path, "vivid.0") != 0) throw Error(errno, path);
  }
};

class V4l2ZUnpluggedTest : public V4l2Test {
 protected:
  // Frames stay with who has them, new ones are refused, and the camera comes back as it was.
  void UnplugAndPlug(const std::function<void()>& unplug, const std::function<void()>& plug) {
    const std::string frame = device().Frame(device().Capture(1));
    const auto before = ReadFile(frame);
    {
      const UniqueFd open = mount_test::Open(frame, O_RDONLY);
      unplug();
      WaitUntil("the device to be gone", [this] { return device().Get("state") == "gone"; });
      EXPECT_TRUE(device().Status().at("unplugged").get<bool>());
      EXPECT_EQ(device().TrySet("trigger", "1"), ENODEV);
      EXPECT_EQ(device().TrySet("controls/brightness", "1"), ENODEV);
      EXPECT_TRUE(mount_test::ReadAll(open.get()) == before);
    }
    WaitUntil("the directory to go", [this] { return !mount_test::Exists(device().Path("")); });
    plug();
    WaitUntil("the device to come back", [this] { return mount_test::Exists(device().Path("")); });
    EXPECT_EQ(device().Get("width"), "320");
    static_cast<void>(device().Capture(2));
  }
};

TEST_F(V4l2ZUnpluggedTest, AnIdleCameraComesBackUnderItsName) {
  Start(kAnyMemory, ",width=320,height=180,format=YUYV");
  UnplugAndPlug(Vivid::Unbind, Vivid::Bind);
}

TEST_F(V4l2ZUnpluggedTest, SoDoesOneThatIsCapturing) {
  Start(kAnyMemory, ",width=320,height=180,format=YUYV,rate=30");
  UnplugAndPlug(
      [this] {
        device().Set("state", "start");
        AwaitFrames(2);
        Vivid::Unbind();
      },
      Vivid::Bind);
}

TEST_F(V4l2ZUnpluggedTest, ADisconnectedCameraIsGone) {
  Start(kAnyMemory, ",width=320,height=180,format=YUYV,rate=30");
  UnplugAndPlug(
      [this] {
        device().Set("state", "start");
        AwaitFrames(2);
        // The driver may be quicker than its answer.
        static_cast<void>(device().TrySet("controls/disconnect", "1"));
      },
      [] {
        Vivid::Unbind();
        Vivid::Bind();
      });
}

}  // namespace
}  // namespace grabfs::vm
