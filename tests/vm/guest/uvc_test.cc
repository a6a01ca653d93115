// SPDX-License-Identifier: Apache-2.0
//
// USB cameras in the mount, by the kernel's own uvcvideo driver: exact pictures by every way into
// memory, many readers, rates and controls.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "tests/vm/guest/uvc_fixture.h"

namespace grabfs::vm {
namespace {

using mount_test::ReadFile;
using mount_test::Xattr;

// --- Ways into memory

struct Way {
  const char* name;
  const char* io;
  const char* format;
  const char* width;
  bool bulk = false;
};
void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

class UvcWayTest : public UvcTest, public testing::WithParamInterface<Way> {};

TEST_P(UvcWayTest, FramesAreExact) {
  const auto [name, io, format, width, bulk] = GetParam();
  if (std::string(io) == "dmabuf" && access("/dev/udmabuf", F_OK) != 0) {
    GTEST_SKIP() << "this kernel has no udmabuf";
  }
  Start(std::string(",rate=5,io=") + io + ",format=" + format + ",width=" + width,
        {.serial = "0001", .bulk = bulk});
  EXPECT_EQ(Setting("io"), io);
  EXPECT_EQ(Setting("driver"), "uvcvideo");
  ExpectExactFrames(4);
}

// With dmabuf, images are of whole pages; 320x240 is not.
constexpr Way kWays[] = {
    {"UserptrSmall", "userptr", "YUYV", "320"},
    {"UserptrMedium", "userptr", "YUYV", "640"},
    {"UserptrCompressed", "userptr", "MJPG", "640"},
    {"UserptrBulk", "userptr", "YUYV", "640", true},
    {"DmabufMedium", "dmabuf", "YUYV", "640"},
    {"DmabufLarge", "dmabuf", "YUYV", "1280"},
    {"DmabufCompressed", "dmabuf", "MJPG", "640"},
    {"MmapSmall", "mmap", "YUYV", "320"},
    {"MmapMedium", "mmap", "YUYV", "640"},
    {"MmapCompressed", "mmap", "MJPG", "640"},
    {"MmapFrameBased", "mmap", "H264", "640"},
};
INSTANTIATE_TEST_SUITE_P(All, UvcWayTest, testing::ValuesIn(kWays),
                         [](const auto& way) { return std::string(way.param.name); });

TEST_F(UvcTest, TheDriverIsGivenOurMemory) {
  Start(",width=320,format=YUYV");
  EXPECT_EQ(Setting("io"), "userptr") << Setting("io_reason");
  ExpectExactFrames(2);
}

TEST_F(UvcTest, ACompressedFrameIsAsLongAsItsPicture) {
  Start(",width=320,format=MJPG,rate=5");
  ExpectExactFrames(4);
  std::set<off_t> sizes;
  for (const uint64_t sequence : device().Frames()) {
    const std::string frame = device().Frame(sequence);
    sizes.insert(mount_test::Stat(frame).st_size);
    EXPECT_EQ(Xattr(frame, "bytes_used"), std::to_string(mount_test::Stat(frame).st_size));
  }
  EXPECT_GT(sizes.size(), 1U);
}

TEST_F(UvcTest, TimesAreThoseOfTheDriver) {
  Start(",width=320,format=YUYV");
  const std::string frame = device().Frame(device().Capture(1));
  EXPECT_EQ(Xattr(frame, "timestamp_clock"), "monotonic, start of exposure");
  EXPECT_EQ(Xattr(frame, "timestamp_ns"), Xattr(frame, "device_timestamp_ns"));
}

// Reads the newest picture again and again, until it has seen several. Returns an exit status.
int WatchPictures(const UvcPictures& pictures, const std::string& latest) {
  constexpr int kPictures = 5;
  uint32_t newest = 0;
  for (int seen = 0; seen < kPictures;) {
    const auto number = pictures.Recognize(ReadFile(latest));
    if (!number) return 1;
    if (*number < newest) return 2;
    if (*number > newest) ++seen;
    newest = *number;
  }
  return 0;
}

TEST_F(UvcTest, ManyProcessesReadOneCamera) {
  constexpr unsigned kReaders = 4;
  Start(",width=320,format=YUYV,rate=15");
  const UvcPictures pictures = PicturesOf(*camera_, device());
  SpoilBuffers();
  device().Set("state", "start");
  // Not its number: on a busy machine the camera loses the first frames.
  WaitUntil("the first frame", [&] { return mount_test::Exists(device().latest()); });
  std::vector<std::unique_ptr<mount_test::Child>> readers;
  for (unsigned reader = 0; reader < kReaders; ++reader) {
    readers.push_back(std::make_unique<mount_test::Child>([&](const mount_test::Child::Parent&) {
      return WatchPictures(pictures, device().latest());
    }));
  }
  for (const auto& reader : readers) EXPECT_EQ(reader->Wait(), 0);
  device().Stop();
  ExpectClosedBooks();
}

TEST_F(UvcTest, TwoCamerasHaveTheirOwnPictures) {
  UvcCamera other({.serial = "0002", .bulk = true});
  other.Plug(1);
  camera_.emplace(UvcCamera::Model{.serial = "0001"});
  camera_->Plug();
  const std::string keys = ",width=320,format=YUYV,rate=5,state=streaming";
  mount_.emplace(mount_test::MountSpec{
      {"cam0=v4l2:" + camera_->node() + keys, "cam1=v4l2:" + other.node() + keys}, {}});
  const mount_test::Device second = mount_->GetDevice("cam1");
  for (int look = 0; look < 3; ++look) {
    AwaitFrames(1);
    EXPECT_TRUE(PicturesOf(*camera_, device()).Recognize(ReadFile(device().latest())));
    WaitUntil("a frame", [&] { return mount_test::Exists(second.latest()); });
    EXPECT_TRUE(PicturesOf(other, second).Recognize(ReadFile(second.latest())));
  }
  mount_.reset();
  other.Unplug();
}

// --- Rates and controls

TEST_F(UvcTest, RatesAreThoseOfTheCamera) {
  Start(",width=640,format=YUYV,rate=15");
  EXPECT_EQ(device().Get("rate"), "15");
  static_cast<void>(device().Capture(1));
  EXPECT_EQ(camera_->interval(), UvcInterval(15));
  EXPECT_EQ(device().TrySet("rate", "29"), EINVAL);
  EXPECT_NE(device().LastError().find("it makes 30, 15, 5"), std::string::npos)
      << device().LastError();
  device().Set("rate", "5");
  static_cast<void>(device().Capture(1));
  EXPECT_EQ(camera_->interval(), UvcInterval(5));
  device().Set("rate", "0");
  static_cast<void>(device().Capture(1));
  EXPECT_EQ(camera_->interval(), UvcInterval(30)) << "its fastest";
}

TEST_F(UvcTest, ControlsReachTheCamera) {
  Start(",width=320,format=YUYV,brightness=-5");
  EXPECT_EQ(camera_->Control(kUvcBrightness), -5);
  EXPECT_EQ(device().TrySet("controls/brightness", "65"), EINVAL);
  device().Set("controls/brightness", "64");
  EXPECT_EQ(camera_->Control(kUvcBrightness), 64);
  EXPECT_EQ(device().Get("controls/brightness"), "64");
  const std::string about = mount_test::ReadText(device().Path("controls/brightness.info"));
  EXPECT_NE(about.find("minimum -64\nmaximum 64\n"), std::string::npos) << about;
  EXPECT_NE(about.find("default 0\n"), std::string::npos) << about;

  device().Set("controls/power_line_frequency", "60 Hz");
  EXPECT_EQ(camera_->Control(kUvcPowerLineFrequency), 2);
  device().Set("state", "start");
  device().Set("controls/contrast", "95");
  EXPECT_EQ(camera_->Control(kUvcContrast), 95) << "also while capturing";
}

}  // namespace
}  // namespace grabfs::vm
