// SPDX-License-Identifier: Apache-2.0
//
// The test picture of kmod/test_picture.h, prepared: its geometry and its rows, from which each
// frame is copied.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kmod/test_picture.h"

namespace grabfs {

class TestPicture {
 public:
  // `format`: a V4L2 fourcc. nullopt: the picture cannot be of this format or size.
  static std::optional<TestPicture> Make(uint32_t format, uint32_t width, uint32_t height);

  [[nodiscard]] uint64_t bytes() const { return geometry_.bytes; }
  // `frame`: bytes() bytes long, or shorter for the first part of the picture.
  void Paint(uint64_t sequence, std::span<std::byte> frame) const;

 private:
  // Copies between memory that is not aligned alike take twice the time on some processors.
  struct alignas(64) CacheLine {
    std::array<uint8_t, 64> bytes;
  };

  explicit TestPicture(const test_picture& geometry);

  test_picture geometry_;
  std::vector<CacheLine> rows_;
};

}  // namespace grabfs
