// SPDX-License-Identifier: Apache-2.0
//
// The work that the pattern source cannot avoid: writing the pixels. What the daemon uses beyond it
// is what grabfs costs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kmod/test_picture.h"

namespace grabfs::bench {

inline constexpr uint32_t kFullHdWidth = 1920;
inline constexpr uint32_t kFullHdHeight = 1080;

class Painter {
 public:
  // BGR4. The size must be one that the test picture can have.
  Painter(uint32_t width, uint32_t height);

  [[nodiscard]] uint64_t bytes() const { return geometry_.bytes; }
  void Paint(uint64_t sequence, std::span<std::byte> frame) const;

 private:
  test_picture geometry_{};
  std::vector<uint8_t> table_;
};

}  // namespace grabfs::bench
