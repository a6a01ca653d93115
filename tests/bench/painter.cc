// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/painter.h"

#include <cerrno>

#include "fusefs/base/error.h"

namespace grabfs::bench {

Painter::Painter(uint32_t width, uint32_t height) {
  if (!test_picture_init(&geometry_, TEST_PICTURE_BGR4, width, height)) {
    throw Error(EINVAL, "no test picture of this size");
  }
  table_.resize(test_picture_table_bytes(&geometry_));
  test_picture_table_init(&geometry_, table_.data());
}

void Painter::Paint(uint64_t sequence, std::span<std::byte> frame) const {
  test_picture_paint(&geometry_, table_.data(), sequence, 0, frame.size(),
                     reinterpret_cast<uint8_t*>(frame.data()));
}

}  // namespace grabfs::bench
