// SPDX-License-Identifier: Apache-2.0
//
// What a frame costs on two roads, in one run: `vivid` read by V4L2's mmap, and a grabdma adapter
// read through a mapping of grabfs's buffer files. Same size, same format, same rate, same reader:
// it looks at every pixel once. Time is that of the whole machine, so that nothing can hide in a
// kernel thread.
//
// VM_MOUNT names a mounted device directory, e.g. /mnt/grabfs/grab0.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/videodev2.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <numeric>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"
#include "tests/vm/guest/device.h"
#include "tests/vm/guest/pagemap.h"

namespace grabfs::vm {
namespace {

constexpr uint32_t kWidth = 1280;
constexpr uint32_t kHeight = 720;
constexpr uint32_t kBytes = kWidth * kHeight * 4;
// Slow enough for an emulated machine on a busy host: no frame is painted that nobody reads.
constexpr uint32_t kFramesPerSecond = 5;
constexpr int kFrames = 15;
constexpr int kRounds = 5;

// Nanoseconds that all processors together have run anything, since boot.
// Documentation/scheduler/sched-stats.rst: the seventh number of a cpu line.
uint64_t MachineTime() {
  std::istringstream statistics(ReadText("/proc/schedstat"));
  uint64_t total = 0;
  for (std::string line; std::getline(statistics, line);) {
    if (!line.starts_with("cpu")) continue;
    std::istringstream fields(line);
    std::string cpu;
    fields >> cpu;
    uint64_t value = 0;
    for (int index = 0; index < 7; ++index) fields >> value;
    total += value;
  }
  return total;
}

// What an algorithm on the picture would do at least.
uint64_t LookAtEveryPixel(std::span<const std::byte> pixels) {
  const std::span words(reinterpret_cast<const uint64_t*>(pixels.data()), kBytes / 8);
  return std::accumulate(words.begin(), words.end(), uint64_t{0});
}

volatile uint64_t sink;

// `vivid` by V4L2's mmap.
class V4l2Camera {
 public:
  V4l2Camera() : fd_(CheckSyscall(open("/dev/video0", O_RDWR | O_CLOEXEC), "open /dev/video0")) {
    v4l2_format format = {};
    format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    format.fmt.pix.width = kWidth;
    format.fmt.pix.height = kHeight;
    format.fmt.pix.pixelformat = V4L2_PIX_FMT_BGR32;
    format.fmt.pix.field = V4L2_FIELD_NONE;
    Do(VIDIOC_S_FMT, &format, "S_FMT");
    if (format.fmt.pix.sizeimage != kBytes) throw Error(EINVAL, "vivid chose another size");
    v4l2_streamparm rate = {};
    rate.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    rate.parm.capture.timeperframe = {1, kFramesPerSecond};
    Do(VIDIOC_S_PARM, &rate, "S_PARM");
    MapBuffers();
    int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    Do(VIDIOC_STREAMON, &type, "STREAMON");
  }

  void ReadFrame() {
    v4l2_buffer buffer = {};
    buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    buffer.memory = V4L2_MEMORY_MMAP;
    Do(VIDIOC_DQBUF, &buffer, "DQBUF");
    sink = LookAtEveryPixel(mappings_[buffer.index]->bytes());
    Do(VIDIOC_QBUF, &buffer, "QBUF");
  }

 private:
  void MapBuffers() {
    v4l2_requestbuffers request = {};
    request.count = 4;
    request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    request.memory = V4L2_MEMORY_MMAP;
    Do(VIDIOC_REQBUFS, &request, "REQBUFS");
    for (uint32_t index = 0; index < request.count; ++index) {
      v4l2_buffer buffer = {};
      buffer.index = index;
      buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
      buffer.memory = V4L2_MEMORY_MMAP;
      Do(VIDIOC_QUERYBUF, &buffer, "QUERYBUF");
      mappings_.push_back(std::make_unique<Mapping>(fd_.get(), buffer.length, PROT_READ, MAP_SHARED,
                                                    buffer.m.offset));
      Do(VIDIOC_QBUF, &buffer, "QBUF");
    }
  }

  void Do(unsigned long command, void* argument, const char* name) const {
    CheckSyscall(ioctl(fd_.get(), command, argument), name);
  }

  UniqueFd fd_;
  std::vector<std::unique_ptr<Mapping>> mappings_;
};

std::string DevicePath(const std::string& name) {
  const char* const directory = std::getenv("VM_MOUNT");
  if (directory == nullptr) throw Error(EINVAL, "VM_MOUNT is not set");
  return std::string(directory) + "/" + name;
}

std::string BufferPath(uint32_t index) {
  char name[32];
  std::snprintf(name, sizeof(name), "buffers/%03u.raw", index);
  return DevicePath(name);
}

// The same through grabfs: events say which buffer, mappings are made once.
class GrabfsCamera {
 public:
  GrabfsCamera()
      : events_(CheckSyscall(open(DevicePath("events").c_str(), O_RDONLY | O_CLOEXEC), "events")) {
    WriteText(DevicePath("state"), "start");
  }
  ~GrabfsCamera() { WriteText(DevicePath("state"), "stop"); }
  GrabfsCamera(const GrabfsCamera&) = delete;
  GrabfsCamera& operator=(const GrabfsCamera&) = delete;

  void ReadFrame() { sink = LookAtEveryPixel(Buffer(NextBuffer()).bytes()); }

 private:
  // The buffer number of the next frame event.
  uint32_t NextBuffer() {
    static constexpr std::string_view kKey = "\"buffer\":";
    for (;;) {
      for (size_t end; (end = pending_.find('\n')) != std::string::npos;) {
        const std::string line = pending_.substr(0, end);
        pending_.erase(0, end + 1);
        const size_t key = line.find(kKey);
        if (line.find("\"frame\"") == std::string::npos || key == std::string::npos) continue;
        uint32_t buffer = 0;
        std::from_chars(&line[key + kKey.size()], line.data() + line.size(), buffer);
        return buffer;
      }
      char lines[4096];
      pending_.append(lines, CheckSyscall(read(events_.get(), lines, sizeof(lines)), "events"));
    }
  }

  const Mapping& Buffer(uint32_t index) {
    auto& mapping = mappings_[index];
    if (mapping == nullptr) {
      const std::string path = BufferPath(index);
      const UniqueFd file(CheckSyscall(open(path.c_str(), O_RDONLY | O_CLOEXEC), path));
      mapping = std::make_unique<Mapping>(file.get(), kBytes, PROT_READ, MAP_SHARED);
    }
    return *mapping;
  }

  UniqueFd events_;
  std::string pending_;
  std::map<uint32_t, std::unique_ptr<Mapping>> mappings_;
};

// Machine time for each frame, in microseconds.
template <typename Camera>
double Measure() {
  Camera camera;
  for (int warm_up = 0; warm_up < 4; ++warm_up) camera.ReadFrame();
  const uint64_t before = MachineTime();
  for (int frame = 0; frame < kFrames; ++frame) camera.ReadFrame();
  return static_cast<double>(MachineTime() - before) / 1000 / kFrames;
}

TEST(V4l2RatioTest, AFrameCostsNoMoreMachineTimeThanByV4l2) {
  std::vector<double> ratios;
  for (int round = 0; round < kRounds; ++round) {
    const double v4l2 = Measure<V4l2Camera>();
    const double grabfs = Measure<GrabfsCamera>();
    ratios.push_back(grabfs / v4l2);
    std::printf("%ux%u: V4L2 %.0f us, grabfs %.0f us, ratio %.3f\n", kWidth, kHeight, v4l2, grabfs,
                ratios.back());
  }
  std::nth_element(ratios.begin(), ratios.begin() + kRounds / 2, ratios.end());
  std::printf("machine time of a frame, grabfs / V4L2: %.3f (median of %d)\n", ratios[kRounds / 2],
              kRounds);
  EXPECT_LE(ratios[kRounds / 2], 1.0);
}

}  // namespace
}  // namespace grabfs::vm
