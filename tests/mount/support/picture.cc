// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/support/picture.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

namespace grabfs::mount_test {
namespace {

uint32_t CodeOf(std::string_view fourcc) {
  std::string padded(fourcc);
  padded.resize(4, ' ');
  return TEST_PICTURE_FOURCC(padded[0], padded[1], padded[2], padded[3]);
}

}  // namespace

Picture::Picture(std::string_view fourcc, uint32_t width, uint32_t height) {
  if (!test_picture_init(&geometry_, CodeOf(fourcc), width, height)) {
    throw std::invalid_argument("no test picture of " + std::string(fourcc));
  }
  table_.resize(test_picture_table_bytes(&geometry_));
  test_picture_table_init(&geometry_, table_.data());
}

::testing::AssertionResult Picture::IsFrame(std::span<const std::byte> pixels,
                                            uint64_t sequence) const {
  if (pixels.size() != bytes()) {
    return ::testing::AssertionFailure() << pixels.size() << " bytes instead of " << bytes();
  }
  std::vector<uint8_t> expected(geometry_.stride);
  for (uint32_t row = 0; row < geometry_.rows; row++) {
    test_picture_paint_row(&geometry_, table_.data(), sequence, row, 0, geometry_.stride,
                           expected.data());
    const auto actual = pixels.subspan(size_t{row} * geometry_.stride, geometry_.stride);
    if (std::memcmp(actual.data(), expected.data(), expected.size()) == 0) continue;
    const auto wrong = std::mismatch(expected.begin(), expected.end(), actual.begin(),
                                     [](uint8_t a, std::byte b) { return std::byte{a} == b; });
    return ::testing::AssertionFailure()
           << "frame " << sequence << " is wrong from row " << row << ", byte "
           << wrong.first - expected.begin() << " on: expected " << int{*wrong.first} << ", found "
           << std::to_integer<int>(*wrong.second) << "; the row is stamped " << Stamp(actual);
  }
  return ::testing::AssertionSuccess();
}

uint64_t Picture::Stamp(std::span<const std::byte> pixels) {
  uint64_t stamp = 0;
  for (size_t i = TEST_PICTURE_STAMP_BYTES; i-- > 0;) {
    stamp = stamp << 8 | std::to_integer<uint64_t>(pixels[i]);
  }
  return stamp;
}

}  // namespace grabfs::mount_test
