// SPDX-License-Identifier: Apache-2.0
//
// Converts Bayer formats, whose pixels have one colour each, to R G B. The two colours that a pixel
// lacks are the mean of the nearest pixels that have them (bilinear interpolation), rounded to the
// nearest integer. Beyond the border the picture is mirrored.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "fusefs/base/pixel_format.h"

namespace grabfs {

class Demosaicer {
 public:
  // `pixels`: a whole image of at least 2 by 2 pixels, which must outlive this.
  Demosaicer(const FrameFormat& format, std::span<const uint8_t> pixels);

  // R G B of each pixel of the next row, with the format's number of bits. Valid until the next
  // call. Call it once for each row.
  std::span<const uint16_t> NextRow();

 private:
  // The samples of a row, with one more at each end, so that all have neighbours.
  using Row = std::vector<uint16_t>;

  void Read(uint32_t y);

  const PixelFormat& pixel_;
  const FrameFormat format_;
  const std::span<const uint8_t> pixels_;
  std::array<Row, 3> rows_;  // row y lies in rows_[y % 3]
  std::vector<uint16_t> rgb_;
  uint32_t next_ = 0;
};

}  // namespace grabfs
