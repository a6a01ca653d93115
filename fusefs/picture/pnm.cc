// SPDX-License-Identifier: Apache-2.0
#include "fusefs/picture/pnm.h"

#include <string>
#include <utility>

namespace grabfs {
namespace {

std::string Header(const Image& shape) {
  return std::string(shape.channels == 1 ? "P5" : "P6") + "\n" + std::to_string(shape.width) + " " +
         std::to_string(shape.height) + "\n" + std::to_string((1U << shape.bits) - 1) + "\n";
}

}  // namespace

uint64_t PnmBytes(const Image& shape) { return Header(shape).size() + shape.bytes(); }

Bytes EncodePnm(Image image) {
  const std::string header = Header(image);
  Bytes file = std::move(image.samples);
  file.insert(file.begin(), header.begin(), header.end());
  return file;
}

}  // namespace grabfs
