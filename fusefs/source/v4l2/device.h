// SPDX-License-Identifier: Apache-2.0
//
// A V4L2 capture device: its ioctls as functions that throw Error with a message, the same for
// single- and multi-planar devices. Its only state is the open node; v4l2.cc knows how to capture
// with it.
//
// Threads: any; the kernel serializes the ioctls of one node.
#pragma once

#include <linux/videodev2.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "fusefs/base/mutex.h"
#include "fusefs/base/pixel_format.h"
#include "fusefs/base/rate.h"
#include "fusefs/source/v4l2/port.h"

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

// The sizes that a device has for one fourcc: from min to max in steps; a single size if they are
// equal.
struct V4l2Sizes {
  uint32_t min_width = 0, max_width = 0, step_width = 1;
  uint32_t min_height = 0, max_height = 0, step_height = 1;
  [[nodiscard]] bool Has(uint32_t width, uint32_t height) const;
};

struct V4l2Encoding {
  Fourcc fourcc = 0;
  bool compressed = false;  // frames differ in size
};

// The memory of one plane of a buffer, for QBUF and from DQBUF.
struct V4l2PlaneMemory {
  uint64_t address = 0;  // USERPTR
  int fd = -1;           // DMABUF
  uint64_t offset = 0;   // MMAP: what to map
  uint32_t length = 0;
  uint32_t bytes_used = 0;   // of it, data_offset included
  uint32_t data_offset = 0;  // where the picture begins
};

// A buffer from DQBUF.
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
  // Closes the node. That ends DMA of an unplugged device to memory. All other copies of port()
  // must have been released, or the node stays open.
  void Close();
  // Throws Error(ENODEV) when the device was unplugged.
  void Ping();

  // 0 or the errno value.
  [[nodiscard]] int Try(unsigned long command, void* argument) const;
  // Throws Error "PATH: WHAT: ...".
  void Do(const char* what, unsigned long command, void* argument) const;
  [[noreturn]] void Throw(const char* what, int code) const;

  // --- Pictures

  [[nodiscard]] std::vector<V4l2Encoding> Encodings() const;
  // Empty if the driver does not enumerate them.
  [[nodiscard]] std::vector<V4l2Sizes> Sizes(Fourcc fourcc) const;
  // The rates that the device can be set to, fastest first; empty if the driver does not enumerate
  // them.
  [[nodiscard]] std::vector<Rate> Rates(const V4l2Format& format) const;
  [[nodiscard]] V4l2Format GetFormat() const;
  // TRY_FMT and S_FMT: the format that the driver would set, or has set, when asked for `wanted`.
  // The driver chooses the sizes of planes.
  [[nodiscard]] V4l2Format TryFormat(const V4l2Format& wanted) const;
  V4l2Format SetFormat(const V4l2Format& wanted);
  // nullopt: the rate of this device cannot be set.
  [[nodiscard]] std::optional<Rate> GetRate() const;
  Rate SetRate(Rate rate);

  // --- Buffers

  // REQBUFS; returns how many buffers the driver made, which may be more. 0 frees all.
  uint32_t RequestBuffers(uint32_t memory, uint32_t count);
  [[nodiscard]] std::vector<V4l2PlaneMemory> QueryBuffer(uint32_t index, size_t planes) const;
  void Queue(uint32_t memory, uint32_t index, const std::vector<V4l2PlaneMemory>& planes);
  // DQBUF. nullopt: none is complete. Throws Error: ENODEV, EIO (an internal error of the driver).
  std::optional<V4l2Filled> Dequeue(uint32_t memory, size_t planes);
  void StreamOn();
  void StreamOff() noexcept;

  // --- Events

  // Subscribes to V4L2_EVENT_SOURCE_CHANGE, if the driver has it.
  void WatchSource();
  // The resolution of the signal has changed since the last call.
  [[nodiscard]] bool SourceChanged();

 private:
  const std::string path_;
  mutable Mutex mutex_;  // guards port_; leaf
  std::shared_ptr<V4l2Port> port_;
  uint32_t type_ = 0;
  std::string driver_;
  std::string card_;
  std::string bus_;
};

}  // namespace grabfs
