// SPDX-License-Identifier: Apache-2.0
//
// A camera in the test's hands, behind the V4L2 ioctls: it has the formats, sizes and ways of
// memory that the test gives it, and makes a frame when the test says so. Nothing happens by
// itself.
#pragma once

#include <linux/videodev2.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fusefs/base/unique_fd.h"
#include "fusefs/source/v4l2/port.h"

namespace grabfs {

class FakeCamera final : public V4l2Port {
 public:
  FakeCamera();

  // V4l2Port
  [[nodiscard]] int fd() const override { return event_.get(); }
  int Ioctl(unsigned long command, void* argument) override;
  std::span<std::byte> Map(uint64_t offset, size_t bytes) override;
  void Unmap(std::span<std::byte> /*mapping*/) noexcept override { --mapped; }

  // --- What the device does.

  // A frame is complete, every byte of it `value`; it is lost when no buffer is queued.
  void Capture(uint8_t value, uint32_t flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC);
  // The same, of so many bytes.
  void CaptureBytes(uint8_t value, uint32_t bytes);
  void Unplug();
  // All memory that it has ever been given, and has not been queued now, has other pages. As
  // drivers do, it remembers for each index the pages it was given, and looks at the address only.
  void PagesAreOthers() { ++pages_; }

  // --- What it is.

  struct Size {
    uint32_t width, height;
  };
  std::vector<uint32_t> fourccs = {V4L2_PIX_FMT_GREY, V4L2_PIX_FMT_YUYV, V4L2_PIX_FMT_MJPEG};
  std::vector<Size> sizes = {{64, 48}, {128, 96}, {160, 96}};  // discrete; empty: any
  std::vector<uint32_t> rates = {30, 15};                      // empty: it has none of its own
  uint32_t planes = 1;  // more: multi-planar, the picture divided evenly
  bool multiplanar = false;
  bool digital = false;  // it has DV timings
  bool takes_userptr = true;
  bool takes_scattered = true;    // else QBUF of our memory is EFAULT
  uint32_t padding = 0;           // bytes behind each row
  uint32_t least_buffers = 1;     // of REQBUFS
  size_t writes_only = SIZE_MAX;  // a liar: so many bytes of our memory
  uint32_t sequence = 0;          // of the next frame
  uint64_t timestamp_us = 1;
  uint32_t data_offset = 0;
  int refuse_stream = 0;  // errno values
  int refuse_buffers = 0;
  int end_of_stream = 0;  // of DQBUF
  int refuse_queue = 0;   // of so many QBUFs from now on: EINVAL

  // --- What can be seen.

  [[nodiscard]] bool streaming() const { return streaming_; }
  [[nodiscard]] size_t queued() const { return queue_.size(); }
  [[nodiscard]] uint32_t memory() const { return memory_; }
  [[nodiscard]] size_t buffers() const { return buffers_.size(); }
  int mapped = 0;
  int brightness = 10;
  int power_line = 1;
  std::string label = "front";
  int presses = 0;
  int input = 0;
  bool signal_changed = false;
  bool signal = true;  // of the digital input: the first of its timings

 private:
  struct Plane {
    uint64_t address = 0;
    uint32_t length = 0;
    int pages = 0;  // which ones there were at this address
  };
  struct Buffer {
    std::vector<Plane> planes;
    std::vector<std::byte> own;
    v4l2_buffer filled = {};
    uint32_t bytes = 0;
    bool queued = false;
  };

  int Dispatch(unsigned long command, void* argument);
  int Controls(unsigned long command, void* argument);
  int Timings(unsigned long command, void* argument);
  int EnumSize(v4l2_frmsizeenum& entry) const;
  int EnumRate(v4l2_frmivalenum& entry) const;
  int Parameters(v4l2_streamparm& parameters, bool set);
  int Format(v4l2_format& format, bool set);
  void Adjust(v4l2_format& format) const;
  void Describe(v4l2_format& format) const;
  int Request(v4l2_requestbuffers& request);
  int Query(v4l2_buffer& buffer);
  int Queue(v4l2_buffer& buffer);
  int Dequeue(v4l2_buffer& buffer);
  int QueryControl(v4l2_query_ext_ctrl& query) const;
  int QueryMenu(v4l2_querymenu& item) const;
  int GetControl(v4l2_ext_control& control) const;
  int SetControl(const v4l2_ext_control& control);
  [[nodiscard]] uint32_t PlaneBytes() const;

  UniqueFd event_;
  uint32_t fourcc_ = V4L2_PIX_FMT_GREY;
  uint32_t width_ = 64;
  uint32_t height_ = 48;
  uint32_t rate_ = 30;
  size_t timings_ = 1;
  int pages_ = 0;
  uint32_t memory_ = 0;
  std::vector<Buffer> buffers_;
  std::deque<uint32_t> queue_;
  std::deque<uint32_t> done_;
  bool streaming_ = false;
  bool gone_ = false;
};

}  // namespace grabfs
