// SPDX-License-Identifier: Apache-2.0
//
// The node, buffers and events. device_format.cc has formats, sizes and rates.
#include "fusefs/source/v4l2/device.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "fusefs/base/clock.h"
#include "fusefs/base/error.h"

namespace grabfs {
namespace {

constexpr uint32_t kPlanar = V4L2_CAP_VIDEO_CAPTURE_MPLANE;
constexpr uint32_t kSingle = V4L2_CAP_VIDEO_CAPTURE;

template <size_t kSize>
std::string Text(const unsigned char (&text)[kSize]) {
  const auto* const begin = reinterpret_cast<const char*>(text);
  return {begin, strnlen(begin, kSize)};
}

// A v4l2_buffer with its array of planes, which the driver of a multi-planar device fills in.
struct Buffer {
  Buffer(uint32_t type, uint32_t memory, uint32_t index, size_t count) {
    buffer.type = type;
    buffer.memory = memory;
    buffer.index = index;
    if (!V4L2_TYPE_IS_MULTIPLANAR(type)) return;
    buffer.m.planes = planes.data();
    buffer.length = static_cast<uint32_t>(count);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  v4l2_buffer buffer = {};
  std::array<v4l2_plane, VIDEO_MAX_PLANES> planes = {};
};

void Fill(Buffer& target, const std::vector<V4l2PlaneMemory>& planes) {
  v4l2_buffer& buffer = target.buffer;
  if (!V4L2_TYPE_IS_MULTIPLANAR(buffer.type)) {
    if (buffer.memory == V4L2_MEMORY_MMAP) return;
    buffer.length = planes[0].length;
    if (buffer.memory == V4L2_MEMORY_USERPTR) {
      buffer.m.userptr = planes[0].address;
    } else {
      buffer.m.fd = planes[0].fd;
    }
    return;
  }
  for (size_t i = 0; i < planes.size(); ++i) {
    v4l2_plane& plane = target.planes[i];
    plane.length = planes[i].length;
    if (buffer.memory == V4L2_MEMORY_USERPTR) {
      plane.m.userptr = planes[i].address;
    } else if (buffer.memory == V4L2_MEMORY_DMABUF) {
      plane.m.fd = planes[i].fd;
    }
  }
}

std::vector<V4l2PlaneMemory> PlanesOf(const Buffer& source, size_t count) {
  const v4l2_buffer& buffer = source.buffer;
  if (!V4L2_TYPE_IS_MULTIPLANAR(buffer.type)) {
    return {{.offset = buffer.m.offset, .length = buffer.length, .bytes_used = buffer.bytesused}};
  }
  std::vector<V4l2PlaneMemory> planes;
  for (size_t i = 0; i < count; ++i) {
    const v4l2_plane& plane = source.planes[i];
    planes.push_back({.offset = plane.m.mem_offset,
                      .length = plane.length,
                      .bytes_used = plane.bytesused,
                      .data_offset = plane.data_offset});
  }
  return planes;
}

uint32_t Pack(const v4l2_timecode& code) {
  return static_cast<uint32_t>(code.hours) << 24 | static_cast<uint32_t>(code.minutes) << 16 |
         static_cast<uint32_t>(code.seconds) << 8 | code.frames;
}

uint64_t ToNs(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * kNsPerSecond +
         static_cast<uint64_t>(time.tv_usec) * 1000;
}

}  // namespace

V4l2Device::V4l2Device(std::string path, std::unique_ptr<V4l2Port> port)
    : path_(std::move(path)), port_(std::move(port)) {
  v4l2_capability capability = {};
  if (const int code = Try(VIDIOC_QUERYCAP, &capability)) {
    if (code == ENOTTY || code == EINVAL) throw Error(EINVAL, path_ + ": not a V4L2 device");
    Throw("capabilities", code);
  }
  driver_ = Text(capability.driver);
  card_ = Text(capability.card);
  bus_ = Text(capability.bus_info);
  const uint32_t node = (capability.capabilities & V4L2_CAP_DEVICE_CAPS) != 0
                            ? capability.device_caps
                            : capability.capabilities;
  if ((node & (kPlanar | kSingle)) == 0) {
    throw Error(EINVAL, path_ + ": " + card_ +
                            ": this node captures no video; another one of the "
                            "same device may (v4l2-ctl --list-devices shows them)");
  }
  if ((node & V4L2_CAP_STREAMING) == 0) {
    throw Error(EINVAL, path_ + ": " + card_ + ": the driver has no buffers, only read()");
  }
  type_ = (node & kPlanar) != 0 ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE : V4L2_BUF_TYPE_VIDEO_CAPTURE;
}

std::shared_ptr<V4l2Port> V4l2Device::port() const {
  const std::lock_guard lock(mutex_);
  return port_;
}

int V4l2Device::fd() const {
  const auto open = port();
  return open ? open->fd() : -1;
}

void V4l2Device::Close() {
  std::shared_ptr<V4l2Port> closed;
  const std::lock_guard lock(mutex_);
  closed.swap(port_);
}

void V4l2Device::Ping() {
  v4l2_capability capability = {};
  Do("capabilities", VIDIOC_QUERYCAP, &capability);
}

int V4l2Device::Try(unsigned long command, void* argument) const {
  const auto open = port();
  return open ? open->Ioctl(command, argument) : ENODEV;
}

void V4l2Device::Do(const char* what, unsigned long command, void* argument) const {
  if (const int code = Try(command, argument)) Throw(what, code);
}

void V4l2Device::Throw(const char* what, int code) const {
  const std::string reason = code == ENODEV  ? "the device has been unplugged"
                             : code == EBUSY ? "another program uses the device"
                                             : ErrnoText(code);
  throw Error(code, path_ + ": " + what + ": " + reason);
}

// --- Buffers

uint32_t V4l2Device::RequestBuffers(uint32_t memory, uint32_t count) {
  v4l2_requestbuffers request = {};
  request.type = type_;
  request.memory = memory;
  request.count = count;
  Do("buffers", VIDIOC_REQBUFS, &request);
  return request.count;
}

std::vector<V4l2PlaneMemory> V4l2Device::QueryBuffer(uint32_t index, size_t planes) const {
  Buffer buffer(type_, V4L2_MEMORY_MMAP, index, planes);
  Do("buffers", VIDIOC_QUERYBUF, &buffer.buffer);
  return PlanesOf(buffer, planes);
}

void V4l2Device::Queue(uint32_t memory, uint32_t index,
                       const std::vector<V4l2PlaneMemory>& planes) {
  Buffer buffer(type_, memory, index, planes.size());
  Fill(buffer, planes);
  Do("queueing a buffer", VIDIOC_QBUF, &buffer.buffer);
}

std::optional<V4l2Filled> V4l2Device::Dequeue(uint32_t memory, size_t planes) {
  Buffer buffer(type_, memory, 0, planes);
  const int code = Try(VIDIOC_DQBUF, &buffer.buffer);
  if (code == EAGAIN) return std::nullopt;
  if (code == EIO || code == EPIPE) {
    throw Error(code, path_ +
                          ": the driver has ended the stream (signal lost, or a fault of the "
                          "device): start again");
  }
  if (code != 0) Throw("waiting for a frame", code);
  return V4l2Filled{.index = buffer.buffer.index,
                    .flags = buffer.buffer.flags,
                    .field = buffer.buffer.field,
                    .sequence = buffer.buffer.sequence,
                    .timestamp_ns = ToNs(buffer.buffer.timestamp),
                    .timecode = Pack(buffer.buffer.timecode),
                    .planes = PlanesOf(buffer, planes)};
}

void V4l2Device::StreamOn() {
  int type = static_cast<int>(type_);
  const int code = Try(VIDIOC_STREAMON, &type);
  if (code == ENOSPC) {
    throw Error(code, path_ +
                          ": start: the USB bus has no room for this format: use a smaller or a "
                          "compressed one, a lower rate, or another port");
  }
  if (code != 0) Throw("start", code);
}

void V4l2Device::StreamOff() noexcept {
  int type = static_cast<int>(type_);
  (void)Try(VIDIOC_STREAMOFF, &type);
}

// --- Events

void V4l2Device::WatchSource() {
  v4l2_event_subscription subscription = {};
  subscription.type = V4L2_EVENT_SOURCE_CHANGE;
  (void)Try(VIDIOC_SUBSCRIBE_EVENT, &subscription);
}

bool V4l2Device::SourceChanged() {
  bool changed = false;
  for (v4l2_event event = {}; Try(VIDIOC_DQEVENT, &event) == 0; event = {}) {
    changed |= event.type == V4L2_EVENT_SOURCE_CHANGE &&
               (event.u.src_change.changes & V4L2_EVENT_SRC_CH_RESOLUTION) != 0;
  }
  return changed;
}

}  // namespace grabfs
