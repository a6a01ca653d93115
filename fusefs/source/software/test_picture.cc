// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/software/test_picture.h"

namespace grabfs {

std::optional<TestPicture> TestPicture::Make(uint32_t format, uint32_t width, uint32_t height) {
  test_picture geometry{};
  if (!test_picture_init(&geometry, format, width, height)) return std::nullopt;
  return TestPicture(geometry);
}

TestPicture::TestPicture(const test_picture& geometry)
    : geometry_(geometry),
      rows_((test_picture_table_bytes(&geometry_) + sizeof(CacheLine) - 1) / sizeof(CacheLine)) {
  test_picture_table_init(&geometry_, rows_.front().bytes.data());
}

void TestPicture::Paint(uint64_t sequence, std::span<std::byte> frame) const {
  test_picture_paint(&geometry_, rows_.front().bytes.data(), sequence, 0, frame.size(),
                     reinterpret_cast<uint8_t*>(frame.data()));
}

}  // namespace grabfs
