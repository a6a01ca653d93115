// SPDX-License-Identifier: Apache-2.0
//
// Where a camera's payload lands: at the end of a buffer's image. What comes behind the image
// (chunk data, padding of a transfer) lands in memory of this object, which follows the image in
// the address space although it is no part of the buffer's file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "fusefs/base/memory.h"

namespace grabfs {

class Landing {
 public:
  // `image`: bytes of an image in memory, `wire`: of the same on the wire, `payload`: of all that
  // the camera sends for a frame. Throws Error(ENOMEM).
  Landing(std::shared_ptr<Memory> memory, uint64_t image, uint64_t wire, uint64_t payload);
  ~Landing();
  Landing(const Landing&) = delete;
  Landing& operator=(const Landing&) = delete;

  [[nodiscard]] std::span<std::byte> payload() const { return payload_; }
  // The image in the buffer.
  [[nodiscard]] std::span<std::byte> image() const { return image_; }
  // Zeroes what came behind the image: the last page of the buffer has room for some of it, and who
  // maps the file sees that.
  void ClearTail();

 private:
  const std::shared_ptr<Memory> memory_;
  std::span<std::byte> mapped_;  // empty: the payload is not longer than the image
  std::span<std::byte> image_;
  std::span<std::byte> payload_;
};

}  // namespace grabfs
