// SPDX-License-Identifier: Apache-2.0
//
// The table of GenICam's pixel formats (PFNC): which format of ours each becomes, and how its
// samples are packed on the wire. A format that is not in the table is refused by name.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "fusefs/base/pixel_format.h"

namespace grabfs {

// How samples of more than 8 bits come.
enum class GenicamPacking : uint8_t {
  kNone,    // as they are in memory
  kBits10,  // Mono10p: 4 samples in 5 bytes, from the least significant bit on
  kBits12,  // Mono12p: 2 samples in 3 bytes, likewise
  kGige10,  // Mono10Packed: 2 samples in 3 bytes, the low bits of both in the middle one
  kGige12,  // Mono12Packed: likewise
};

struct GenicamFormat {
  uint32_t code;          // PFNC
  std::string_view name;  // PFNC, as the feature PixelFormat has it
  Fourcc fourcc;
  GenicamPacking packing = GenicamPacking::kNone;

  // Bytes of an image on the wire.
  [[nodiscard]] uint64_t WireBytes(uint32_t width, uint32_t height) const;
};

// Where a camera has several for one format of ours, the first is taken.
std::span<const GenicamFormat> GenicamFormats();
// nullptr: it is not in the table.
const GenicamFormat* FindGenicamFormat(uint32_t code);

// Unpacks an image in place: the packed bytes are at the end of `memory`, which is as large as the
// unpacked image, of two bytes for each sample.
void UnpackInPlace(GenicamPacking packing, std::span<std::byte> memory);

}  // namespace grabfs
