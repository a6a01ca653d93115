// SPDX-License-Identifier: Apache-2.0
//
// The system calls of a V4L2 device. Tests implement it to simulate a device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace grabfs {

// Threads: any.
class V4l2Port {
 public:
  virtual ~V4l2Port() = default;
  V4l2Port(const V4l2Port&) = delete;
  V4l2Port& operator=(const V4l2Port&) = delete;

  // To poll. Owned by this object.
  [[nodiscard]] virtual int fd() const = 0;
  // 0, or the errno value; never waits for a frame.
  virtual int Ioctl(unsigned long command, void* argument) = 0;
  // Maps a buffer of the driver's (MAP_SHARED). Throws Error.
  virtual std::span<std::byte> Map(uint64_t offset, size_t bytes) = 0;
  virtual void Unmap(std::span<std::byte> mapping) noexcept = 0;

 protected:
  V4l2Port() = default;
};

// Throws Error(ENOENT, EACCES, ENODEV, ...) that says what to do.
std::unique_ptr<V4l2Port> OpenV4l2Port(const std::string& path);

}  // namespace grabfs
