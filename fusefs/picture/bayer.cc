// SPDX-License-Identifier: Apache-2.0
#include "fusefs/picture/bayer.h"

#include <algorithm>
#include <array>
#include <vector>

namespace grabfs {
namespace {

struct Mosaic {
  Fourcc fourcc;
  uint32_t bits;
  uint32_t red_x, red_y;  // of the red pixel in each square of four; blue is diagonal to it
};

constexpr std::array kMosaics = {
    Mosaic{kSbggr8, 8, 1, 1},   Mosaic{kSgbrg8, 8, 0, 1},   Mosaic{kSgrbg8, 8, 1, 0},
    Mosaic{kSrggb8, 8, 0, 0},   Mosaic{kSbggr10, 10, 1, 1}, Mosaic{kSgbrg10, 10, 0, 1},
    Mosaic{kSgrbg10, 10, 1, 0}, Mosaic{kSrggb10, 10, 0, 0}, Mosaic{kSbggr12, 12, 1, 1},
    Mosaic{kSgbrg12, 12, 0, 1}, Mosaic{kSgrbg12, 12, 1, 0}, Mosaic{kSrggb12, 12, 0, 0},
};

const Mosaic* FindMosaic(Fourcc fourcc) {
  const auto* const found = std::ranges::find(kMosaics, fourcc, &Mosaic::fourcc);
  return found == kMosaics.end() ? nullptr : found;
}

// A row of samples with one more at either end, so that each has neighbours.
using Row = std::vector<uint16_t>;

// The samples of a row. What lies beyond the range of the format is its largest value.
void ReadRow(const FrameFormat& f, const Mosaic& mosaic, std::span<const uint8_t> pixels,
             uint32_t y, Row& row) {
  const uint8_t* in = &pixels[uint64_t{y} * f.stride];
  const auto largest = static_cast<uint16_t>((1U << mosaic.bits) - 1);
  for (size_t x = 0; x < f.width; ++x) {
    const uint32_t sample = mosaic.bits == 8 ? in[x] : in[2 * x] | in[2 * x + 1] << 8U;
    row[x + 1] = static_cast<uint16_t>(std::min<uint32_t>(sample, largest));
  }
  // Mirrored at the last pixel, not beside it, so that colours stay with their columns.
  row[0] = row[2];
  row[f.width + 1] = row[f.width - 1];
}

// Three rows of the picture, of which the middle one is being interpolated.
class Neighbourhood {
 public:
  Neighbourhood(const Row& above, const Row& here, const Row& below)
      : above_(above), here_(here), below_(below) {}

  [[nodiscard]] uint32_t own(size_t x) const { return here_[x]; }
  [[nodiscard]] uint32_t horizontal(size_t x) const {
    return (here_[x - 1] + here_[x + 1] + 1) / 2;
  }
  [[nodiscard]] uint32_t vertical(size_t x) const { return (above_[x] + below_[x] + 1) / 2; }
  [[nodiscard]] uint32_t cross(size_t x) const {
    return (here_[x - 1] + here_[x + 1] + above_[x] + below_[x] + 2) / 4;
  }
  [[nodiscard]] uint32_t diagonal(size_t x) const {
    return (above_[x - 1] + above_[x + 1] + below_[x - 1] + below_[x + 1] + 2) / 4;
  }

 private:
  const Row& above_;
  const Row& here_;
  const Row& below_;
};

// Appends samples to an image of 8 or 16 bits.
class Writer {
 public:
  Writer(uint32_t bits, uint8_t* out) : bits_(bits), out_(out) {}

  void Put(uint32_t red, uint32_t green, uint32_t blue) {
    for (const uint32_t sample : {red, green, blue}) {
      if (bits_ == 8) {
        *out_++ = static_cast<uint8_t>(sample);
        continue;
      }
      // The upper bits once more below them: the largest value becomes the largest of 16 bits.
      const uint32_t wide = sample << (16 - bits_) | sample >> (2 * bits_ - 16);
      *out_++ = static_cast<uint8_t>(wide >> 8);
      *out_++ = static_cast<uint8_t>(wide);
    }
  }

 private:
  const uint32_t bits_;
  uint8_t* out_;
};

void InterpolateRow(const Mosaic& mosaic, uint32_t y, uint32_t width, const Neighbourhood& near,
                    Writer& out) {
  const bool red_row = y % 2 == mosaic.red_y;
  for (uint32_t column = 0; column < width; ++column) {
    const size_t x = column + 1;
    const bool red_column = column % 2 == mosaic.red_x;
    if (red_row && red_column) {
      out.Put(near.own(x), near.cross(x), near.diagonal(x));
    } else if (red_row) {
      out.Put(near.horizontal(x), near.own(x), near.vertical(x));
    } else if (red_column) {
      out.Put(near.vertical(x), near.own(x), near.horizontal(x));
    } else {
      out.Put(near.diagonal(x), near.cross(x), near.own(x));
    }
  }
}

// 0, 1, 2: which of R G B a pixel has.
uint32_t ColourAt(const Mosaic& mosaic, uint32_t x, uint32_t y) {
  const bool red_column = x % 2 == mosaic.red_x;
  const bool red_row = y % 2 == mosaic.red_y;
  if (red_column != red_row) return 1;
  return red_column ? 0 : 2;
}

}  // namespace

bool IsBayer(Fourcc fourcc) { return FindMosaic(fourcc) != nullptr; }

uint32_t BayerImageBits(Fourcc fourcc) { return FindMosaic(fourcc)->bits == 8 ? 8 : 16; }

Image Demosaic(const FrameFormat& format, std::span<const uint8_t> pixels) {
  const Mosaic& mosaic = *FindMosaic(format.fourcc);
  Image image = {format.width, format.height, 3, BayerImageBits(format.fourcc), {}};
  image.samples.resize(image.row_bytes() * format.height);
  Writer out(mosaic.bits, image.samples.data());
  std::array<Row, 3> rows;
  rows.fill(Row(format.width + size_t{2}));
  // Row y lies in rows[y % 3]. The picture has an even number of rows, at least 16.
  ReadRow(format, mosaic, pixels, 0, rows[0]);
  for (uint32_t y = 0; y < format.height; ++y) {
    const bool last = y + 1 == format.height;
    if (!last) ReadRow(format, mosaic, pixels, y + 1, rows[(y + 1) % 3]);
    const Row& before = rows[(y + 2) % 3];
    const Row& after = rows[(y + 1) % 3];
    InterpolateRow(mosaic, y, format.width,
                   {y == 0 ? after : before, rows[y % 3], last ? before : after}, out);
  }
  return image;
}

void MakeMosaic(const FrameFormat& format, std::span<const uint8_t> rgb, std::span<uint8_t> out) {
  const Mosaic& mosaic = *FindMosaic(format.fourcc);
  size_t at = 0;
  for (uint32_t y = 0; y < format.height; ++y) {
    for (uint32_t x = 0; x < format.width; ++x) {
      const uint32_t sample = rgb[(size_t{y} * format.width + x) * 3 + ColourAt(mosaic, x, y)];
      if (mosaic.bits == 8) {
        out[at++] = static_cast<uint8_t>(sample);
        continue;
      }
      const uint32_t wide = sample << (mosaic.bits - 8) | sample >> (16 - mosaic.bits);
      out[at++] = static_cast<uint8_t>(wide);
      out[at++] = static_cast<uint8_t>(wide >> 8);
    }
  }
}

}  // namespace grabfs
