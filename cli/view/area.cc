// SPDX-License-Identifier: Apache-2.0
#include "cli/view/area.h"

#include <algorithm>

namespace grabfs::view {

uint32_t Zoomed(uint32_t length, int zoom) {
  return std::max<uint32_t>(1, zoom >= 0 ? length << zoom : length >> -zoom);
}

Size Zoomed(Size picture, int zoom) {
  return {Zoomed(picture.width, zoom), Zoomed(picture.height, zoom)};
}

Area Fitted(Size picture, Size room) {
  Size fitted = room;
  const uint64_t wide = uint64_t{room.width} * picture.height;
  const uint64_t high = uint64_t{room.height} * picture.width;
  if (wide > high)
    fitted.width = static_cast<uint32_t>(std::max<uint64_t>(1, high / picture.height));
  if (high > wide)
    fitted.height = static_cast<uint32_t>(std::max<uint64_t>(1, wide / picture.width));
  return {static_cast<int32_t>(room.width - fitted.width) / 2,
          static_cast<int32_t>(room.height - fitted.height) / 2, fitted};
}

}  // namespace grabfs::view
