// SPDX-License-Identifier: Apache-2.0
//
// A buffer for O_DIRECT: page-aligned, a whole number of pages.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace grabfs::mount_test {

class AlignedBuffer {
 public:
  // Room for at least `bytes`.
  explicit AlignedBuffer(size_t bytes)
      : capacity_((bytes + kAlignment - 1) / kAlignment * kAlignment),
        data_(static_cast<std::byte*>(std::aligned_alloc(kAlignment, capacity_)), &std::free) {}

  [[nodiscard]] std::byte* data() const { return data_.get(); }
  [[nodiscard]] size_t capacity() const { return capacity_; }

 private:
  static constexpr size_t kAlignment = 4096;
  size_t capacity_;
  std::unique_ptr<std::byte, decltype(&std::free)> data_;
};

}  // namespace grabfs::mount_test
