// SPDX-License-Identifier: Apache-2.0
#include "fusefs/picture/pnm.h"

#include <string>
#include <utility>

namespace grabfs {

Bytes EncodePnm(Image image) {
  const std::string header = std::string(image.channels == 1 ? "P5" : "P6") + "\n" +
                             std::to_string(image.width) + " " + std::to_string(image.height) +
                             "\n" + std::to_string((1U << image.bits) - 1) + "\n";
  Bytes file = std::move(image.samples);
  file.insert(file.begin(), header.begin(), header.end());
  return file;
}

}  // namespace grabfs
