// SPDX-License-Identifier: Apache-2.0
#include "tests/vm/guest/cameras.h"

#include <fcntl.h>
#include <linux/videodev2.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <sstream>
#include <string_view>

#include "fusefs/base/error.h"
#include "tests/vm/guest/device.h"

namespace grabfs::vm {
namespace {

volatile uint64_t sink;

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

}  // namespace

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

void LookAtEveryPixel(std::span<const std::byte> pixels) {
  const std::span words(reinterpret_cast<const uint64_t*>(pixels.data()), kCameraBytes / 8);
  sink = std::accumulate(words.begin(), words.end(), uint64_t{0});
}

V4l2Camera::V4l2Camera()
    : fd_(CheckSyscall(open("/dev/video0", O_RDWR | O_CLOEXEC), "open /dev/video0")) {
  v4l2_format format = {};
  format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  format.fmt.pix.width = kCameraWidth;
  format.fmt.pix.height = kCameraHeight;
  format.fmt.pix.pixelformat = V4L2_PIX_FMT_BGR32;
  format.fmt.pix.field = V4L2_FIELD_NONE;
  Do(VIDIOC_S_FMT, &format, "S_FMT");
  if (format.fmt.pix.sizeimage != kCameraBytes) throw Error(EINVAL, "vivid chose another size");
  v4l2_streamparm rate = {};
  rate.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  rate.parm.capture.timeperframe = {1, kCameraRate};
  Do(VIDIOC_S_PARM, &rate, "S_PARM");
  MapBuffers();
  int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  Do(VIDIOC_STREAMON, &type, "STREAMON");
}

uint32_t V4l2Camera::Dequeue() {
  v4l2_buffer buffer = {};
  buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  buffer.memory = V4L2_MEMORY_MMAP;
  Do(VIDIOC_DQBUF, &buffer, "DQBUF");
  return buffer.index;
}

void V4l2Camera::Queue(uint32_t index) {
  v4l2_buffer buffer = {};
  buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  buffer.memory = V4L2_MEMORY_MMAP;
  buffer.index = index;
  Do(VIDIOC_QBUF, &buffer, "QBUF");
}

void V4l2Camera::MapBuffers() {
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

void V4l2Camera::Do(unsigned long command, void* argument, const char* name) const {
  CheckSyscall(ioctl(fd_.get(), command, argument), name);
}

GrabfsCamera::GrabfsCamera()
    : events_(CheckSyscall(open(DevicePath("events").c_str(), O_RDONLY | O_CLOEXEC), "events")) {
  WriteText(DevicePath("state"), "start");
}

GrabfsCamera::~GrabfsCamera() { WriteText(DevicePath("state"), "stop"); }

// The buffer number of the next frame event.
uint32_t GrabfsCamera::NextBuffer() {
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

const Mapping& GrabfsCamera::Buffer(uint32_t index) {
  auto& mapping = mappings_[index];
  if (mapping == nullptr) {
    const std::string path = BufferPath(index);
    const UniqueFd file(CheckSyscall(open(path.c_str(), O_RDONLY | O_CLOEXEC), path));
    mapping = std::make_unique<Mapping>(file.get(), kCameraBytes, PROT_READ, MAP_SHARED);
  }
  return *mapping;
}

}  // namespace grabfs::vm
