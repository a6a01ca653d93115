// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/source/v4l2/fake.h"

#include <linux/videodev2.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <tuple>
#include <utility>

namespace grabfs {
namespace {

constexpr uint32_t kMostBuffers = 32;
constexpr std::array kLines = {"Disabled", "50 Hz", "60 Hz"};
constexpr uint32_t kLabelId = V4L2_CID_USER_BASE + 0x1000;
constexpr uint32_t kPressId = V4L2_CID_USER_BASE + 0x1001;
constexpr uint32_t kLabelBytes = 17;

// Of a picture, or of one of its fields: what is seen, and the blanking around it.
struct Extent {
  uint32_t active, front_porch, sync, back_porch;
};

// Those of <linux/v4l2-dv-timings.h> are written for C: no compiler but GCC takes them for C++.
v4l2_dv_timings Progressive(uint64_t pixelclock, const Extent& line, const Extent& frame) {
  v4l2_dv_timings timings = {};
  timings.type = V4L2_DV_BT_656_1120;
  timings.bt.width = line.active;
  timings.bt.hfrontporch = line.front_porch;
  timings.bt.hsync = line.sync;
  timings.bt.hbackporch = line.back_porch;
  timings.bt.height = frame.active;
  timings.bt.vfrontporch = frame.front_porch;
  timings.bt.vsync = frame.sync;
  timings.bt.vbackporch = frame.back_porch;
  timings.bt.pixelclock = pixelclock;
  return timings;
}

// CEA-861, VIC 4.
v4l2_dv_timings Hd720p60() {
  return Progressive(74'250'000, {1280, 110, 40, 220}, {720, 5, 5, 20});
}

// CEA-861, VIC 20.
v4l2_dv_timings FullHd1080i50() {
  v4l2_dv_timings timings = Progressive(74'250'000, {1920, 528, 44, 148}, {1080, 2, 5, 15});
  timings.bt.interlaced = V4L2_DV_INTERLACED;
  timings.bt.il_vfrontporch = 2;
  timings.bt.il_vsync = 5;
  timings.bt.il_vbackporch = 16;
  timings.bt.flags = V4L2_DV_FL_HALF_LINE;
  return timings;
}

// DMT, with reduced blanking.
v4l2_dv_timings Dmt1680x1050p60() {
  v4l2_dv_timings timings = Progressive(119'000'000, {1680, 48, 32, 80}, {1050, 3, 6, 21});
  timings.bt.flags = V4L2_DV_FL_REDUCED_BLANKING;
  return timings;
}

const std::array<v4l2_dv_timings, 3> kTimings = {Hd720p60(), FullHd1080i50(), Dmt1680x1050p60()};

template <typename Argument>
Argument& As(void* argument) {
  return *static_cast<Argument*>(argument);
}

template <size_t kSize>
void Say(unsigned char (&place)[kSize], const char* text) {
  std::snprintf(reinterpret_cast<char*>(place), kSize, "%s", text);
}

uint32_t PixelBytes(uint32_t fourcc) { return fourcc == V4L2_PIX_FMT_YUYV ? 2 : 1; }

}  // namespace

FakeCamera::FakeCamera() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

int FakeCamera::Ioctl(unsigned long command, void* argument) {
  return gone_ ? ENODEV : Dispatch(command, argument);
}

int FakeCamera::Dispatch(unsigned long command, void* argument) {
  switch (command) {
    case VIDIOC_QUERYCAP: {
      auto& capability = As<v4l2_capability>(argument);
      Say(capability.driver, "fake");
      Say(capability.card, "A camera");
      Say(capability.bus_info, "test-1");
      capability.device_caps = V4L2_CAP_STREAMING | (multiplanar ? V4L2_CAP_VIDEO_CAPTURE_MPLANE
                                                                 : V4L2_CAP_VIDEO_CAPTURE);
      capability.capabilities = capability.device_caps | V4L2_CAP_DEVICE_CAPS;
      return 0;
    }
    case VIDIOC_ENUM_FMT: {
      auto& entry = As<v4l2_fmtdesc>(argument);
      if (entry.index >= fourccs.size()) return EINVAL;
      entry.pixelformat = fourccs[entry.index];
      entry.flags = entry.pixelformat == V4L2_PIX_FMT_MJPEG ? V4L2_FMT_FLAG_COMPRESSED : 0;
      return 0;
    }
    case VIDIOC_ENUM_FRAMESIZES:
      return EnumSize(As<v4l2_frmsizeenum>(argument));
    case VIDIOC_ENUM_FRAMEINTERVALS:
      return EnumRate(As<v4l2_frmivalenum>(argument));
    case VIDIOC_G_FMT:
      Describe(As<v4l2_format>(argument));
      return 0;
    case VIDIOC_TRY_FMT:
      return Format(As<v4l2_format>(argument), false);
    case VIDIOC_S_FMT:
      return Format(As<v4l2_format>(argument), true);
    case VIDIOC_G_PARM:
      return Parameters(As<v4l2_streamparm>(argument), false);
    case VIDIOC_S_PARM:
      return Parameters(As<v4l2_streamparm>(argument), true);
    case VIDIOC_REQBUFS:
      return Request(As<v4l2_requestbuffers>(argument));
    case VIDIOC_QUERYBUF:
      return Query(As<v4l2_buffer>(argument));
    case VIDIOC_QBUF:
      return Queue(As<v4l2_buffer>(argument));
    case VIDIOC_DQBUF:
      return Dequeue(As<v4l2_buffer>(argument));
    case VIDIOC_STREAMON:
      if (refuse_stream == 0) streaming_ = true;
      return refuse_stream;
    case VIDIOC_STREAMOFF:
      streaming_ = false;
      queue_.clear();
      done_.clear();
      for (Buffer& buffer : buffers_) buffer.queued = false;
      return 0;
    case VIDIOC_SUBSCRIBE_EVENT:
      return 0;
    case VIDIOC_DQEVENT: {
      if (!std::exchange(signal_changed, false)) return ENOENT;
      auto& event = As<v4l2_event>(argument);
      event.type = V4L2_EVENT_SOURCE_CHANGE;
      event.u.src_change.changes = V4L2_EVENT_SRC_CH_RESOLUTION;
      return 0;
    }
    default:
      return Controls(command, argument);
  }
}

// --- Formats

int FakeCamera::EnumSize(v4l2_frmsizeenum& entry) const {
  if (entry.index >= sizes.size()) return EINVAL;
  entry.type = V4L2_FRMSIZE_TYPE_DISCRETE;
  entry.discrete = {.width = sizes[entry.index].width, .height = sizes[entry.index].height};
  return 0;
}

int FakeCamera::EnumRate(v4l2_frmivalenum& entry) const {
  if (entry.index >= rates.size()) return EINVAL;
  entry.type = V4L2_FRMIVAL_TYPE_DISCRETE;
  entry.discrete = {.numerator = 1, .denominator = rates[entry.index]};
  return 0;
}

int FakeCamera::Parameters(v4l2_streamparm& parameters, bool set) {
  if (rates.empty()) return ENOTTY;
  auto& capture = parameters.parm.capture;
  if (set && streaming_) return EBUSY;
  if (set && capture.timeperframe.numerator > 0) {
    const uint32_t wanted = capture.timeperframe.denominator / capture.timeperframe.numerator;
    rate_ = *std::ranges::min_element(
        rates, {}, [&](uint32_t rate) { return rate > wanted ? rate - wanted : wanted - rate; });
  }
  capture.capability = V4L2_CAP_TIMEPERFRAME;
  capture.timeperframe = {.numerator = 1, .denominator = rate_};
  return 0;
}

// As drivers do: whatever is asked for becomes something that there is.
void FakeCamera::Adjust(v4l2_format& format) const {
  auto& pix = format.fmt.pix;
  if (std::ranges::find(fourccs, pix.pixelformat) == fourccs.end()) pix.pixelformat = fourccs[0];
  if (sizes.empty()) return;
  const auto known = std::ranges::find_if(sizes, [&](const Size& size) {
    return size.width == pix.width && size.height == pix.height;
  });
  if (known != sizes.end()) return;
  pix.width = sizes[0].width;
  pix.height = sizes[0].height;
}

int FakeCamera::Format(v4l2_format& format, bool set) {
  if (set && !buffers_.empty()) return EBUSY;
  // Single- and multi-planar formats begin alike: width, height, fourcc.
  Adjust(format);
  const auto [fourcc, width, height] = std::tuple(fourcc_, width_, height_);
  fourcc_ = format.fmt.pix.pixelformat;
  width_ = format.fmt.pix.width;
  height_ = format.fmt.pix.height;
  Describe(format);
  if (!set) std::tie(fourcc_, width_, height_) = std::tuple(fourcc, width, height);
  return 0;
}

uint32_t FakeCamera::PlaneBytes() const {
  return (width_ * PixelBytes(fourcc_) + padding) * height_ / planes;
}

void FakeCamera::Describe(v4l2_format& format) const {
  const bool compressed = fourcc_ == V4L2_PIX_FMT_MJPEG;
  const uint32_t stride = compressed ? 0 : width_ * PixelBytes(fourcc_) + padding;
  if (!multiplanar) {
    format.fmt.pix = {};
    format.fmt.pix.width = width_;
    format.fmt.pix.height = height_;
    format.fmt.pix.pixelformat = fourcc_;
    format.fmt.pix.field = V4L2_FIELD_NONE;
    format.fmt.pix.bytesperline = stride;
    format.fmt.pix.sizeimage = PlaneBytes();
    format.fmt.pix.colorspace = V4L2_COLORSPACE_SRGB;
    return;
  }
  auto& pix = format.fmt.pix_mp;
  pix = {};
  pix.width = width_;
  pix.height = height_;
  pix.pixelformat = fourcc_;
  pix.field = V4L2_FIELD_NONE;
  pix.num_planes = static_cast<uint8_t>(planes);
  for (uint32_t i = 0; i < planes; ++i) {
    pix.plane_fmt[i].sizeimage = PlaneBytes();
    pix.plane_fmt[i].bytesperline = stride;
  }
}

// --- Buffers

int FakeCamera::Request(v4l2_requestbuffers& request) {
  if (refuse_buffers != 0 && request.count > 0) return refuse_buffers;
  if (request.memory == V4L2_MEMORY_USERPTR && !takes_userptr) return EINVAL;
  if (request.memory == V4L2_MEMORY_DMABUF) return EINVAL;  // as before Linux 6.12
  buffers_.clear();
  queue_.clear();
  done_.clear();
  streaming_ = false;
  memory_ = request.count == 0 ? 0 : request.memory;
  if (request.count > 0) request.count = std::clamp(request.count, least_buffers, kMostBuffers);
  buffers_.resize(request.count);
  for (Buffer& buffer : buffers_) {
    buffer.planes.resize(planes);
    if (memory_ == V4L2_MEMORY_MMAP) buffer.own.resize(size_t{PlaneBytes() + data_offset} * planes);
  }
  return 0;
}

std::span<std::byte> FakeCamera::Map(uint64_t offset, size_t bytes) {
  ++mapped;
  const size_t plane = PlaneBytes() + data_offset;
  const size_t buffer = offset / (plane * planes);
  return {buffers_.at(buffer).own.data() + offset % (plane * planes), bytes};
}

int FakeCamera::Query(v4l2_buffer& buffer) {
  const uint32_t plane = PlaneBytes() + data_offset;
  const uint32_t begin = buffer.index * plane * planes;
  buffer.m.offset = multiplanar ? buffer.m.offset : begin;
  if (!multiplanar) buffer.length = plane;
  for (uint32_t i = 0; multiplanar && i < planes; ++i) {
    buffer.m.planes[i].m.mem_offset = begin + i * plane;
    buffer.m.planes[i].length = plane;
  }
  return 0;
}

int FakeCamera::Queue(v4l2_buffer& buffer) {
  if (buffer.index >= buffers_.size() || buffers_[buffer.index].queued) return EINVAL;
  if (buffer.memory != memory_) return EINVAL;
  if (refuse_queue > 0) {
    --refuse_queue;
    return EINVAL;
  }
  Buffer& own = buffers_[buffer.index];
  if (memory_ == V4L2_MEMORY_USERPTR) {
    if (!takes_scattered) return EFAULT;
    for (uint32_t i = 0; i < planes; ++i) {
      const uint64_t address = multiplanar ? buffer.m.planes[i].m.userptr : buffer.m.userptr;
      const int pages = own.planes[i].address == address ? own.planes[i].pages : pages_;
      own.planes[i] = {address, multiplanar ? buffer.m.planes[i].length : buffer.length, pages};
      if (own.planes[i].length < PlaneBytes()) return EINVAL;
    }
  } else {
    for (uint32_t i = 0; i < planes; ++i) {
      const size_t plane = PlaneBytes() + data_offset;
      own.planes[i] = {reinterpret_cast<uintptr_t>(own.own.data() + i * plane),
                       static_cast<uint32_t>(plane), pages_};
    }
  }
  own.queued = true;
  queue_.push_back(buffer.index);
  return 0;
}

void FakeCamera::Capture(uint8_t value, uint32_t flags) {
  const uint32_t of_frame = sequence++;
  if (!streaming_ || queue_.empty()) return;
  const uint32_t index = queue_.front();
  queue_.pop_front();
  Buffer& buffer = buffers_[index];
  size_t left = writes_only;
  for (const Plane& plane : buffer.planes) {
    if (plane.pages != pages_) continue;  // into pages that are no more
    const size_t bytes = std::min<size_t>(PlaneBytes(), left);
    if (memory_ == V4L2_MEMORY_USERPTR) left -= bytes;
    std::memset(reinterpret_cast<std::byte*>(plane.address) + data_offset, value,
                memory_ == V4L2_MEMORY_USERPTR ? bytes : PlaneBytes());
  }
  buffer.bytes = PlaneBytes();
  buffer.filled = {};
  buffer.filled.index = index;
  buffer.filled.flags = flags;
  buffer.filled.sequence = of_frame;
  buffer.filled.field = V4L2_FIELD_NONE;
  buffer.filled.timestamp = {.tv_sec = static_cast<time_t>(timestamp_us / 1000000),
                             .tv_usec = static_cast<suseconds_t>(timestamp_us % 1000000)};
  done_.push_back(index);
  (void)eventfd_write(event_.get(), 1);
}

void FakeCamera::CaptureBytes(uint8_t value, uint32_t bytes) {
  Capture(value);
  if (!done_.empty()) buffers_[done_.back()].bytes = bytes;
}

void FakeCamera::Unplug() {
  gone_ = true;
  (void)eventfd_write(event_.get(), 1);
}

int FakeCamera::Dequeue(v4l2_buffer& buffer) {
  if (end_of_stream != 0) return end_of_stream;
  if (done_.empty()) return EAGAIN;
  Buffer& own = buffers_[done_.front()];
  done_.pop_front();
  own.queued = false;
  v4l2_plane* const filled = buffer.m.planes;
  const auto [type, memory, length] = std::tuple(buffer.type, buffer.memory, buffer.length);
  buffer = own.filled;
  buffer.type = type;
  buffer.memory = memory;
  if (!multiplanar) {
    buffer.bytesused = own.bytes;
    buffer.length = own.planes[0].length;
    return 0;
  }
  buffer.m.planes = filled;
  buffer.length = length;
  for (uint32_t i = 0; i < planes; ++i) {
    filled[i].bytesused = own.bytes + data_offset;
    filled[i].length = own.planes[i].length;
    filled[i].data_offset = data_offset;
  }
  return 0;
}

// --- Controls

int FakeCamera::Controls(unsigned long command, void* argument) {
  switch (command) {
    case VIDIOC_QUERY_EXT_CTRL:
      return QueryControl(As<v4l2_query_ext_ctrl>(argument));
    case VIDIOC_QUERYMENU:
      return QueryMenu(As<v4l2_querymenu>(argument));
    case VIDIOC_G_EXT_CTRLS:
      return GetControl(*As<v4l2_ext_controls>(argument).controls);
    case VIDIOC_S_EXT_CTRLS:
      return SetControl(*As<v4l2_ext_controls>(argument).controls);
    case VIDIOC_ENUMINPUT: {
      auto& entry = As<v4l2_input>(argument);
      if (entry.index > 1) return EINVAL;
      Say(entry.name, entry.index == 0 ? "Camera" : "Aerial");
      return 0;
    }
    case VIDIOC_G_INPUT:
      As<int>(argument) = input;
      return 0;
    case VIDIOC_S_INPUT:
      if (streaming_) return EBUSY;
      input = As<int>(argument);
      // Another input, another size.
      width_ = input == 0 ? 64 : 128;
      height_ = input == 0 ? 48 : 96;
      return 0;
    default:
      return digital ? Timings(command, argument) : ENOTTY;
  }
}

int FakeCamera::Timings(unsigned long command, void* argument) {
  switch (command) {
    case VIDIOC_ENUM_DV_TIMINGS: {
      auto& entry = As<v4l2_enum_dv_timings>(argument);
      if (entry.index >= kTimings.size()) return EINVAL;
      entry.timings = kTimings.at(entry.index);
      return 0;
    }
    case VIDIOC_G_DV_TIMINGS:
      As<v4l2_dv_timings>(argument) = kTimings.at(timings_);
      return 0;
    case VIDIOC_QUERY_DV_TIMINGS:
      As<v4l2_dv_timings>(argument) = kTimings.front();
      return signal ? 0 : ENOLINK;
    case VIDIOC_S_DV_TIMINGS: {
      if (streaming_) return EBUSY;
      const auto& wanted = As<v4l2_dv_timings>(argument);
      const auto* const found = std::ranges::find_if(kTimings, [&](const v4l2_dv_timings& timings) {
        return std::memcmp(&timings.bt, &wanted.bt, sizeof timings.bt) == 0;
      });
      if (found == kTimings.end()) return EINVAL;
      timings_ = static_cast<size_t>(found - kTimings.begin());
      width_ = wanted.bt.width;
      height_ = wanted.bt.height;
      return 0;
    }
    default:
      return ENOTTY;
  }
}

int FakeCamera::QueryControl(v4l2_query_ext_ctrl& query) const {
  constexpr std::array kIds = {uint32_t{V4L2_CID_BRIGHTNESS},
                               uint32_t{V4L2_CID_POWER_LINE_FREQUENCY}, kLabelId, kPressId};
  const bool next = (query.id & V4L2_CTRL_FLAG_NEXT_CTRL) != 0;
  const uint32_t from = query.id & ~V4L2_CTRL_FLAG_NEXT_CTRL;
  const auto* const id = std::ranges::find_if(
      kIds, [&](uint32_t candidate) { return next ? candidate > from : candidate == from; });
  if (id == kIds.end()) return EINVAL;
  query = {};
  query.id = *id;
  query.step = 1;
  query.elem_size = 4;
  const auto describe = [&](uint32_t type, const char* name, int64_t max, int64_t standard) {
    query.type = type;
    std::snprintf(query.name, sizeof query.name, "%s", name);
    query.maximum = max;
    query.default_value = standard;
  };
  if (*id == V4L2_CID_BRIGHTNESS) describe(V4L2_CTRL_TYPE_INTEGER, "Brightness", 255, 128);
  if (*id == V4L2_CID_POWER_LINE_FREQUENCY) {
    describe(V4L2_CTRL_TYPE_MENU, "Power Line Frequency", 2, 1);
  }
  if (*id == kLabelId) {
    describe(V4L2_CTRL_TYPE_STRING, "Label, Name", 16, 0);
    query.elem_size = kLabelBytes;
  }
  if (*id == kPressId) describe(V4L2_CTRL_TYPE_BUTTON, "Press", 0, 0);
  return 0;
}

int FakeCamera::QueryMenu(v4l2_querymenu& item) const {
  if (item.id != V4L2_CID_POWER_LINE_FREQUENCY || item.index >= kLines.size()) return EINVAL;
  std::snprintf(reinterpret_cast<char*>(&item.name), sizeof item.name, "%s", kLines[item.index]);
  return 0;
}

int FakeCamera::GetControl(v4l2_ext_control& control) const {
  switch (control.id) {
    case V4L2_CID_BRIGHTNESS:
      control.value = brightness;
      return 0;
    case V4L2_CID_POWER_LINE_FREQUENCY:
      control.value = power_line;
      return 0;
    case kLabelId:
      if (control.size < kLabelBytes) return ENOSPC;
      std::snprintf(control.string, control.size, "%s", label.c_str());
      return 0;
    default:
      return EINVAL;
  }
}

int FakeCamera::SetControl(const v4l2_ext_control& control) {
  switch (control.id) {
    case V4L2_CID_BRIGHTNESS:
      brightness = control.value;
      return 0;
    case V4L2_CID_POWER_LINE_FREQUENCY:
      power_line = control.value;
      return 0;
    case kLabelId:
      label = control.string;
      return 0;
    case kPressId:
      ++presses;
      return 0;
    default:
      return EINVAL;
  }
}

}  // namespace grabfs
