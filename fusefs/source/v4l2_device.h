// SPDX-License-Identifier: Apache-2.0
//
// A V4L2 capture device: its ioctls as functions, with errors in words, and single- and
// multi-planar devices alike. It keeps no state but the open node; what the calls mean for
// capturing is the business of v4l2.cc.
//
// Threads: any; the kernel lets calls of one node follow each other.
#pragma once

#include <linux/videodev2.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "fusefs/base/pixel_format.h"
#include "fusefs/base/rate.h"
#include "fusefs/source/v4l2_port.h"

namespace grabfs {

// One area of memory of a frame; most formats have one, the multi-planar "M" formats several.
struct V4l2Plane {
  uint32_t bytes = 0;   // sizeimage
  uint32_t stride = 0;  // bytesperline
};

struct V4l2Format {
  Fourcc fourcc = 0;
  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t field = V4L2_FIELD_ANY;
  Colorimetry color = {};
  std::vector<V4l2Plane> planes = {};
};

// What a device can make of one fourcc: sizes from min to max in steps; a single size where equal.
struct V4l2Sizes {
  uint32_t min_width = 0, max_width = 0, step_width = 1;
  uint32_t min_height = 0, max_height = 0, step_height = 1;
  [[nodiscard]] bool Has(uint32_t width, uint32_t height) const;
};

struct V4l2Encoding {
  Fourcc fourcc = 0;
  bool compressed = false;  // frames have a size each
};

// Memory of one plane, as a buffer is given it or gives it back.
struct V4l2PlaneMemory {
  uint64_t address = 0;  // USERPTR
  int fd = -1;           // DMABUF
  uint64_t offset = 0;   // MMAP: what to map
  uint32_t length = 0;
  uint32_t bytes_used = 0;   // of it, data_offset included
  uint32_t data_offset = 0;  // where the picture begins
};

// A buffer that has come back.
struct V4l2Filled {
  uint32_t index = 0;
  uint32_t flags = 0;
  uint32_t field = 0;
  uint32_t sequence = 0;
  uint64_t timestamp_ns = 0;
  uint32_t timecode = 0;
  std::vector<V4l2PlaneMemory> planes = {};
};

class V4l2Device {
 public:
  // Throws Error(EINVAL) when the device does not capture video into buffers.
  V4l2Device(std::string path, std::unique_ptr<V4l2Port> port);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& driver() const { return driver_; }
  [[nodiscard]] const std::string& card() const { return card_; }
  [[nodiscard]] const std::string& bus() const { return bus_; }
  [[nodiscard]] uint32_t type() const { return type_; }

  // The open node; nullptr after Close().
  [[nodiscard]] std::shared_ptr<V4l2Port> port() const;
  // -1 after Close().
  [[nodiscard]] int fd() const;
  // Closes the node, which ends whatever a device that has been unplugged still does to memory.
  // What others have of port() must be gone by then, or the node stays open.
  void Close();
  // Error(ENODEV) when the device has been unplugged.
  void Ping();

  // 0 or the errno value.
  [[nodiscard]] int Try(unsigned long command, void* argument) const;
  // Throws Error "PATH: WHAT: ...".
  void Do(const char* what, unsigned long command, void* argument) const;
  [[noreturn]] void Throw(const char* what, int code) const;

  // --- Pictures

  [[nodiscard]] std::vector<V4l2Encoding> Encodings() const;
  // Empty when the driver does not tell.
  [[nodiscard]] std::vector<V4l2Sizes> Sizes(Fourcc fourcc) const;
  // Single rates that the device can be set to, fastest first; empty when it does not tell.
  [[nodiscard]] std::vector<Rate> Rates(const V4l2Format& format) const;
  [[nodiscard]] V4l2Format GetFormat() const;
  // What the driver would make of, and what it has made of, `wanted` (sizes of planes: its own).
  [[nodiscard]] V4l2Format TryFormat(const V4l2Format& wanted) const;
  V4l2Format SetFormat(const V4l2Format& wanted);
  // nullopt: this device has no rate that can be set.
  [[nodiscard]] std::optional<Rate> GetRate() const;
  Rate SetRate(Rate rate);

  // --- Buffers

  // REQBUFS; returns how many there are, at least as many as the driver must have. 0 frees all.
  uint32_t RequestBuffers(uint32_t memory, uint32_t count);
  [[nodiscard]] std::vector<V4l2PlaneMemory> QueryBuffer(uint32_t index, size_t planes) const;
  void Queue(uint32_t memory, uint32_t index, const std::vector<V4l2PlaneMemory>& planes);
  // nullopt: none now. Throws Error: ENODEV, EIO (the driver gave up).
  std::optional<V4l2Filled> Dequeue(uint32_t memory, size_t planes);
  void StreamOn();
  void StreamOff() noexcept;

  // --- Events

  // From now on changes of the signal are told, if the driver can.
  void WatchSource();
  // The signal has changed its size since the last call.
  [[nodiscard]] bool SourceChanged();

 private:
  const std::string path_;
  mutable std::mutex mutex_;  // guards port_; leaf
  std::shared_ptr<V4l2Port> port_;
  uint32_t type_ = 0;
  std::string driver_;
  std::string card_;
  std::string bus_;
};

}  // namespace grabfs
