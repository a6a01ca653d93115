// SPDX-License-Identifier: Apache-2.0
//
// What the camera can make, and its pictures. A picture has its number in it, and each of its bytes
// depends on the number, the place and the camera: a picture that is torn, mixed up or stale is
// another one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tests/vm/guest/uvc/usbip.h"

namespace grabfs::vm {

// The values are those on the wire, as are the places in UvcSizes(), from 1 on.
enum class UvcFormat : uint8_t { kYuyv = 1, kMjpg = 2, kH264 = 3 };
inline constexpr UvcFormat kLastUvcFormat = UvcFormat::kH264;

struct UvcSize {
  uint16_t width;
  uint16_t height;
  std::vector<uint32_t> rates;  // pictures a second, descending: the camera's own is the first
};
const std::vector<UvcSize>& UvcSizes();

// The most that a picture has.
uint32_t UvcMaxBytes(UvcFormat format, const UvcSize& size);
// The unit of the wire: 100 ns.
uint32_t UvcInterval(uint32_t rate);

struct UvcPictures {
  uint32_t camera = 0;  // which camera's they are
  UvcFormat format = UvcFormat::kYuyv;
  uint32_t max_bytes = 0;

  // As they come from the camera. Compressed ones differ in size.
  [[nodiscard]] Bytes Make(uint32_t number) const;
  // The number of a picture that is right in every byte; nullopt: it is not.
  [[nodiscard]] std::optional<uint32_t> Recognize(std::span<const std::byte> picture) const;
};

}  // namespace grabfs::vm
