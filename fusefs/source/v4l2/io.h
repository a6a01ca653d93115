// SPDX-License-Identifier: Apache-2.0
//
// The three V4L2 I/O methods by which frames get into the daemon's memory, best first:
//
//   userptr   the driver writes to our pages, by their address     no copy
//   dmabuf    the driver writes to our pages, as a DMA buffer      no copy; 4 KiB pages only
//             (/dev/udmabuf, Linux 6.12)
//   mmap      the driver has buffers of its own                    one copy
//
// A V4l2Io owns the driver's buffers (REQBUFS) from its construction to its destruction. It neither
// starts the stream nor checks frames.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fusefs/base/memory.h"
#include "fusefs/source/v4l2/device.h"

namespace grabfs {

enum class V4l2Path { kUserptr, kDmabuf, kMmap };
inline constexpr V4l2Path kV4l2Paths[] = {V4l2Path::kUserptr, V4l2Path::kDmabuf, V4l2Path::kMmap};

std::string_view PathName(V4l2Path path);
std::optional<V4l2Path> ParsePath(std::string_view name);

class V4l2Io {
 public:
  struct Done {
    std::optional<uint32_t> buffer;  // nullopt: a complete frame, but no memory was queued for it
    uint64_t bytes_used = 0;
    V4l2Filled filled = {};
  };

  virtual ~V4l2Io() = default;
  V4l2Io(const V4l2Io&) = delete;
  V4l2Io& operator=(const V4l2Io&) = delete;

  // The driver writes into our memory, so frames need no copy.
  [[nodiscard]] virtual bool direct() const = 0;
  // `buffer`: the number of this memory, the same each time. Throws Error.
  virtual void Queue(uint32_t buffer, Memory& memory) = 0;
  // Throws Error as V4l2Device::Dequeue() does; EPROTO: the driver reports another address or size
  // than the memory has.
  virtual std::optional<Done> Dequeue() = 0;
  // Releases what refers to memory that is about to be freed. Not while it is queued.
  virtual void Forget(uint32_t buffer) = 0;

 protected:
  V4l2Io() = default;
};

// Requests the driver's buffers for `memories` different memories of ours. Throws Error: EBUSY when
// another program has the driver's buffers.
std::unique_ptr<V4l2Io> MakeV4l2Io(V4l2Device& device, V4l2Path path, const V4l2Format& format,
                                   size_t memories);

// Tries with some memory whether this device supports this method. nullopt: it does; else the
// reason. Throws Error(EBUSY) when another program has the driver's buffers.
std::optional<std::string> WhyNot(V4l2Device& device, V4l2Path path, const V4l2Format& format);

// How many queued buffers the driver needs before it captures. Throws Error.
uint32_t LeastBuffers(V4l2Device& device, V4l2Path path);

}  // namespace grabfs
