// SPDX-License-Identifier: Apache-2.0
#include "fusefs/picture/npy.h"

#include <utility>

namespace grabfs {
namespace {

constexpr size_t kAlignment = 64;
// "\x93NUMPY", version 1.0, then two bytes for the length of the dictionary.
constexpr std::string_view kMagic("\x93NUMPY\x01\x00", 8);
constexpr size_t kLengthBytes = 2;

std::string Shape(const Image& image) {
  const std::string rows = std::to_string(image.height) + ", " + std::to_string(image.width);
  return image.channels == 1 ? rows : rows + ", " + std::to_string(image.channels);
}

}  // namespace

std::string NpyHeader(const Image& shape) {
  const std::string type = shape.bits == 8 ? "|u1" : "<u2";
  std::string dictionary =
      "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + Shape(shape) + "), }";
  // Blanks up to a newline that ends on the alignment.
  const size_t before = kMagic.size() + kLengthBytes;
  const size_t whole = (before + dictionary.size() + kAlignment) / kAlignment * kAlignment;
  dictionary.resize(whole - before - 1, ' ');
  dictionary += '\n';
  const size_t length = dictionary.size();
  std::string header(kMagic);
  header += static_cast<char>(length & 0xff);
  header += static_cast<char>(length >> 8);
  return header + dictionary;
}

uint64_t NpyBytes(const Image& shape) { return NpyHeader(shape).size() + shape.bytes(); }

Bytes EncodeNpy(Image image) {
  const std::string header = NpyHeader(image);
  SwapBytes(image);
  Bytes file = std::move(image.samples);
  file.insert(file.begin(), header.begin(), header.end());
  return file;
}

}  // namespace grabfs
