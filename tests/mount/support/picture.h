// SPDX-License-Identifier: Apache-2.0
//
// Checks frames of the test picture: which frame is this, and is every byte right?
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "kmod/test_picture.h"

namespace grabfs::mount_test {

// Immutable after construction: any number of threads may check with one object.
class Picture {
 public:
  // Throws std::invalid_argument for a format that has no test picture.
  Picture(std::string_view fourcc, uint32_t width, uint32_t height);

  [[nodiscard]] uint64_t bytes() const { return geometry_.bytes; }
  // Compares all bytes. A failure names the first wrong byte, and the sequence number in its row.
  [[nodiscard]] ::testing::AssertionResult IsFrame(std::span<const std::byte> pixels,
                                                   uint64_t sequence) const;
  // The sequence number in the first row.
  static uint64_t Stamp(std::span<const std::byte> pixels);

 private:
  test_picture geometry_{};
  std::vector<uint8_t> table_;
};

}  // namespace grabfs::mount_test
