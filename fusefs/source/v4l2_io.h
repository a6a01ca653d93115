// SPDX-License-Identifier: Apache-2.0
//
// The ways for a V4L2 driver's frames into our memory, best first:
//
//   userptr   the driver is given our pages by their address       no copy
//   dmabuf    the driver is given our pages as a DMA buffer        no copy; 4 KiB pages only
//             (/dev/udmabuf, Linux 6.12)
//   mmap      the driver has buffers of its own                    one copy
//
// An Io owns the driver's buffers from its construction to its destruction, and has none queued
// afterwards. It neither starts nor judges.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fusefs/base/memory.h"
#include "fusefs/source/v4l2_device.h"

namespace grabfs {

enum class V4l2Path { kUserptr, kDmabuf, kMmap };
inline constexpr V4l2Path kV4l2Paths[] = {V4l2Path::kUserptr, V4l2Path::kDmabuf, V4l2Path::kMmap};

std::string_view PathName(V4l2Path path);
std::optional<V4l2Path> ParsePath(std::string_view name);

class V4l2Io {
 public:
  struct Done {
    std::optional<uint32_t> buffer;  // none: the frame was complete when no memory was queued
    uint64_t bytes_used = 0;
    V4l2Filled filled = {};
  };

  virtual ~V4l2Io() = default;
  V4l2Io(const V4l2Io&) = delete;
  V4l2Io& operator=(const V4l2Io&) = delete;

  // The driver writes into what the source gave us, so frames need no copy.
  [[nodiscard]] virtual bool direct() const = 0;
  // `buffer` names this memory for ever. Throws Error.
  virtual void Queue(uint32_t buffer, Memory& memory) = 0;
  // Throws Error as V4l2Device::Dequeue() does; EPROTO: the frame is not where it should be.
  virtual std::optional<Done> Dequeue() = 0;
  // Forgets memory that is about to go away. Not while it is queued.
  virtual void Forget(uint32_t buffer) = 0;

 protected:
  V4l2Io() = default;
};

// Takes the driver's buffers for `memories` different ones of ours. Throws Error: EBUSY when
// another program has them.
std::unique_ptr<V4l2Io> MakeV4l2Io(V4l2Device& device, V4l2Path path, const V4l2Format& format,
                                   size_t memories);

// Whether this device takes memory on this path, tried with some: nullopt, or why not. Throws
// Error(EBUSY) when another program has its buffers.
std::optional<std::string> WhyNot(V4l2Device& device, V4l2Path path, const V4l2Format& format);

// How many buffers the driver wants before it begins. Throws Error.
uint32_t LeastBuffers(V4l2Device& device, V4l2Path path);

}  // namespace grabfs
