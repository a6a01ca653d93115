// SPDX-License-Identifier: Apache-2.0
#include "fusefs/picture/bmp.h"

namespace grabfs {
namespace {

// BITMAPFILEHEADER and BITMAPINFOHEADER.
constexpr uint32_t kFileHeaderBytes = 14;
constexpr uint32_t kInfoHeaderBytes = 40;
constexpr uint32_t kGreys = 256;

uint32_t ColoursOf(const Image& shape) { return shape.channels == 1 ? kGreys : 0; }

uint32_t HeaderBytes(const Image& shape) {
  return kFileHeaderBytes + kInfoHeaderBytes + 4 * ColoursOf(shape);
}

// Rows end at a multiple of four bytes.
uint64_t RowBytes(const Image& shape) {
  return (uint64_t{shape.width} * shape.channels + 3) / 4 * 4;
}

void Append(Bytes& file, uint32_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) file.push_back(static_cast<uint8_t>(number >> 8 * i));
}

void AppendHeaders(Bytes& file, const Image& image) {
  const auto pixels = static_cast<uint32_t>(RowBytes(image) * image.height);
  Append(file, 'B' | 'M' << 8, 2);
  Append(file, HeaderBytes(image) + pixels, 4);
  Append(file, 0, 4);
  Append(file, HeaderBytes(image), 4);  // where the pixels begin
  Append(file, kInfoHeaderBytes, 4);
  Append(file, image.width, 4);
  Append(file, -image.height, 4);  // negative: the top row first
  Append(file, 1, 2);              // planes
  Append(file, 8 * image.channels, 2);
  Append(file, 0, 4);  // no compression
  Append(file, pixels, 4);
  Append(file, 0, 4);  // pixels a metre: not known,
  Append(file, 0, 4);  // in neither direction
  Append(file, ColoursOf(image), 4);
  Append(file, 0, 4);  // all of them matter
  for (uint32_t grey = 0; grey < ColoursOf(image); ++grey) Append(file, grey * 0x010101U, 4);
}

// One row. Of each sample the first byte is the upper 8 bits.
void PutGreys(const Image& image, const uint8_t* in, uint8_t* out) {
  const size_t step = image.bits / 8;
  for (uint32_t x = 0; x < image.width; ++x, in += step) *out++ = *in;
}

void PutColours(const Image& image, const uint8_t* in, uint8_t* out) {
  const size_t step = image.bits / 8;
  for (uint32_t x = 0; x < image.width; ++x, in += 3 * step, out += 3) {
    out[0] = in[2 * step];
    out[1] = in[step];
    out[2] = in[0];
  }
}

}  // namespace

uint64_t BmpBytes(const Image& shape) {
  return HeaderBytes(shape) + RowBytes(shape) * shape.height;
}

Bytes EncodeBmp(Image image) {
  Bytes file;
  file.reserve(BmpBytes(image));
  AppendHeaders(file, image);
  file.resize(BmpBytes(image));
  const uint8_t* in = image.samples.data();
  uint8_t* out = &file[HeaderBytes(image)];
  for (uint32_t y = 0; y < image.height; ++y, in += image.row_bytes(), out += RowBytes(image)) {
    image.channels == 1 ? PutGreys(image, in, out) : PutColours(image, in, out);
  }
  return file;
}

}  // namespace grabfs
