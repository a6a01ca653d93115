// SPDX-License-Identifier: Apache-2.0
#include "fusefs/picture/bayer.h"

#include <cstddef>

#include "fusefs/picture/samples.h"

namespace grabfs {
namespace {

// The middle one of three rows becomes R G B. Each points at the sample of the first pixel.
struct Neighbourhood {
  const uint16_t* above;
  const uint16_t* here;
  const uint16_t* below;
};

// `colour`: 0 (red) or 2 (blue), which every second pixel of the row has, from column `first` on;
// the others are green.
void Interpolate(const Neighbourhood& near, ptrdiff_t width, int colour, ptrdiff_t first,
                 uint16_t* rgb) {
  const auto [above, here, below] = near;
  const auto mean = [](uint32_t sum, uint32_t count) {
    return static_cast<uint16_t>((sum + count / 2) / count);
  };
  const int other = 2 - colour;
  for (ptrdiff_t x = first; x < width; x += 2) {
    uint16_t* const out = rgb + x * 3;
    out[colour] = here[x];
    out[1] = mean(here[x - 1] + here[x + 1] + above[x] + below[x], 4);
    out[other] = mean(above[x - 1] + above[x + 1] + below[x - 1] + below[x + 1], 4);
  }
  for (ptrdiff_t x = 1 - first; x < width; x += 2) {
    uint16_t* const out = rgb + x * 3;
    out[colour] = mean(here[x - 1] + here[x + 1], 2);
    out[1] = here[x];
    out[other] = mean(above[x] + below[x], 2);
  }
}

}  // namespace

Demosaicer::Demosaicer(const FrameFormat& format, std::span<const uint8_t> pixels)
    : pixel_(*FindPixelFormat(format.fourcc)),
      format_(format),
      pixels_(pixels),
      rgb_(size_t{format.width} * 3) {
  rows_.fill(Row(format.width + size_t{2}));
  Read(0);
}

void Demosaicer::Read(uint32_t y) {
  const uint8_t* in = &pixels_[uint64_t{y} * format_.stride];
  Row& row = rows_[y % 3];
  WithWordOf(pixel_, [&](auto word) {
    const SampleReader<decltype(word)> read(pixel_);
    for (size_t x = 0; x < format_.width; ++x, in += sizeof(word)) {
      row[x + 1] = static_cast<uint16_t>(read(in));
    }
  });
  // Mirrored at the last pixel, not beside it, so that colours stay with their columns.
  row[0] = row[2];
  row[format_.width + 1] = row[format_.width - 1];
}

std::span<const uint16_t> Demosaicer::NextRow() {
  const uint32_t y = next_++;
  const bool first = y == 0;
  const bool last = next_ == format_.height;
  if (!last) Read(next_);
  const Row& before = rows_[(y + 2) % 3];
  const Row& after = rows_[next_ % 3];
  const bool red_row = y % 2 == pixel_.red_y;
  Interpolate({(first ? after : before).data() + 1, rows_[y % 3].data() + 1,
               (last ? before : after).data() + 1},
              format_.width, red_row ? 0 : 2, red_row ? pixel_.red_x : 1 - pixel_.red_x,
              rgb_.data());
  return rgb_;
}

}  // namespace grabfs
