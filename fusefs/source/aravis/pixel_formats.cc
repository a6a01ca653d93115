// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/aravis/pixel_formats.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace grabfs {
namespace {

using enum GenicamPacking;

constexpr GenicamFormat kFormats[] = {
    {0x01080001, "Mono8", MakeFourcc("GREY")},
    {0x01100003, "Mono10", MakeFourcc("Y10")},
    {0x010a0046, "Mono10p", MakeFourcc("Y10"), kBits10},
    {0x010c0004, "Mono10Packed", MakeFourcc("Y10"), kGige10},
    {0x01100005, "Mono12", MakeFourcc("Y12")},
    {0x010c0047, "Mono12p", MakeFourcc("Y12"), kBits12},
    {0x010c0006, "Mono12Packed", MakeFourcc("Y12"), kGige12},
    {0x01100007, "Mono16", MakeFourcc("Y16")},
    {0x01080008, "BayerGR8", MakeFourcc("GRBG")},
    {0x01080009, "BayerRG8", MakeFourcc("RGGB")},
    {0x0108000a, "BayerGB8", MakeFourcc("GBRG")},
    {0x0108000b, "BayerBG8", MakeFourcc("BA81")},
    {0x0110000c, "BayerGR10", MakeFourcc("BA10")},
    {0x0110000d, "BayerRG10", MakeFourcc("RG10")},
    {0x0110000e, "BayerGB10", MakeFourcc("GB10")},
    {0x0110000f, "BayerBG10", MakeFourcc("BG10")},
    {0x010a0056, "BayerGR10p", MakeFourcc("BA10"), kBits10},
    {0x010a0058, "BayerRG10p", MakeFourcc("RG10"), kBits10},
    {0x010a0054, "BayerGB10p", MakeFourcc("GB10"), kBits10},
    {0x010a0052, "BayerBG10p", MakeFourcc("BG10"), kBits10},
    {0x010c0026, "BayerGR10Packed", MakeFourcc("BA10"), kGige10},
    {0x010c0027, "BayerRG10Packed", MakeFourcc("RG10"), kGige10},
    {0x010c0028, "BayerGB10Packed", MakeFourcc("GB10"), kGige10},
    {0x010c0029, "BayerBG10Packed", MakeFourcc("BG10"), kGige10},
    {0x01100010, "BayerGR12", MakeFourcc("BA12")},
    {0x01100011, "BayerRG12", MakeFourcc("RG12")},
    {0x01100012, "BayerGB12", MakeFourcc("GB12")},
    {0x01100013, "BayerBG12", MakeFourcc("BG12")},
    {0x010c0057, "BayerGR12p", MakeFourcc("BA12"), kBits12},
    {0x010c0059, "BayerRG12p", MakeFourcc("RG12"), kBits12},
    {0x010c0055, "BayerGB12p", MakeFourcc("GB12"), kBits12},
    {0x010c0053, "BayerBG12p", MakeFourcc("BG12"), kBits12},
    {0x010c002a, "BayerGR12Packed", MakeFourcc("BA12"), kGige12},
    {0x010c002b, "BayerRG12Packed", MakeFourcc("RG12"), kGige12},
    {0x010c002c, "BayerGB12Packed", MakeFourcc("GB12"), kGige12},
    {0x010c002d, "BayerBG12Packed", MakeFourcc("BG12"), kGige12},
    {0x02180014, "RGB8", MakeFourcc("RGB3")},
    {0x02180015, "BGR8", MakeFourcc("BGR3")},
    {0x02200017, "BGRa8", MakeFourcc("BGR4")},
    {0x02100032, "YUV422_8", MakeFourcc("YUYV")},
    {0x0210003b, "YCbCr422_8", MakeFourcc("YUYV")},
    {0x0210003e, "YCbCr601_422_8", MakeFourcc("YUYV")},
    {0x02100041, "YCbCr709_422_8", MakeFourcc("YUYV")},
    {0x0210001f, "YUV422_8_UYVY", MakeFourcc("UYVY")},
    {0x02100043, "YCbCr422_8_CbYCrY", MakeFourcc("UYVY")},
    {0x02100044, "YCbCr601_422_8_CbYCrY", MakeFourcc("UYVY")},
    {0x02100045, "YCbCr709_422_8_CbYCrY", MakeFourcc("UYVY")},
};

// PFNC codes tell how many bits a pixel has on the wire.
constexpr uint32_t BitsOf(uint32_t code) { return code >> 16 & 0xff; }

uint32_t Byte(std::byte value) { return std::to_integer<uint32_t>(value); }

// So many samples are packed into so many bytes; Unpack takes one such group apart.
struct Bits10 {
  static constexpr size_t kSamples = 4;
  static constexpr size_t kBytes = 5;
  static constexpr size_t BytesFor(size_t samples) { return (samples * 10 + 7) / 8; }
  static std::array<uint32_t, kSamples> Unpack(const std::array<std::byte, kBytes>& in) {
    return {(Byte(in[0]) | Byte(in[1]) << 8) & 0x3ff, (Byte(in[1]) >> 2 | Byte(in[2]) << 6) & 0x3ff,
            (Byte(in[2]) >> 4 | Byte(in[3]) << 4) & 0x3ff, Byte(in[3]) >> 6 | Byte(in[4]) << 2};
  }
};
struct Bits12 {
  static constexpr size_t kSamples = 2;
  static constexpr size_t kBytes = 3;
  static constexpr size_t BytesFor(size_t samples) { return (samples * 12 + 7) / 8; }
  static std::array<uint32_t, kSamples> Unpack(const std::array<std::byte, kBytes>& in) {
    return {(Byte(in[0]) | Byte(in[1]) << 8) & 0xfff, Byte(in[1]) >> 4 | Byte(in[2]) << 4};
  }
};
struct Gige10 {
  static constexpr size_t kSamples = 2;
  static constexpr size_t kBytes = 3;
  static constexpr size_t BytesFor(size_t samples) { return (samples * 12 + 7) / 8; }
  static std::array<uint32_t, kSamples> Unpack(const std::array<std::byte, kBytes>& in) {
    return {Byte(in[0]) << 2 | (Byte(in[1]) & 3), Byte(in[2]) << 2 | (Byte(in[1]) >> 4 & 3)};
  }
};
struct Gige12 {
  static constexpr size_t kSamples = 2;
  static constexpr size_t kBytes = 3;
  static constexpr size_t BytesFor(size_t samples) { return (samples * 12 + 7) / 8; }
  static std::array<uint32_t, kSamples> Unpack(const std::array<std::byte, kBytes>& in) {
    return {Byte(in[0]) << 4 | (Byte(in[1]) & 15), Byte(in[2]) << 4 | Byte(in[1]) >> 4};
  }
};

// From front to back. Nothing is overwritten before it is read: what is written ends before what is
// still to be read begins, and they meet at the end of the image.
template <typename Group>
void Unpack(std::span<std::byte> memory) {
  const size_t samples = memory.size() / 2;
  std::span<std::byte> in = memory.subspan(memory.size() - Group::BytesFor(samples));
  std::span<std::byte> out = memory.first(2 * samples);
  while (!out.empty()) {
    std::array<std::byte, Group::kBytes> group{};
    const size_t taken = std::min(in.size(), Group::kBytes);
    std::copy_n(in.begin(), taken, group.begin());
    in = in.subspan(taken);
    const auto values = Group::Unpack(group);
    const size_t made = std::min(out.size() / 2, Group::kSamples);
    for (size_t i = 0; i < made; ++i) {
      out[2 * i] = static_cast<std::byte>(values[i]);
      out[2 * i + 1] = static_cast<std::byte>(values[i] >> 8);
    }
    out = out.subspan(2 * made);
  }
}

}  // namespace

std::span<const GenicamFormat> GenicamFormats() { return kFormats; }

const GenicamFormat* FindGenicamFormat(uint32_t code) {
  const auto* const found = std::ranges::find(kFormats, code, &GenicamFormat::code);
  return found == std::end(kFormats) ? nullptr : found;
}

uint64_t GenicamFormat::WireBytes(uint32_t width, uint32_t height) const {
  return (uint64_t{width} * height * BitsOf(code) + 7) / 8;
}

void UnpackInPlace(GenicamPacking packing, std::span<std::byte> memory) {
  switch (packing) {
    case kNone:
      return;
    case kBits10:
      return Unpack<Bits10>(memory);
    case kBits12:
      return Unpack<Bits12>(memory);
    case kGige10:
      return Unpack<Gige10>(memory);
    case kGige12:
      return Unpack<Gige12>(memory);
  }
}

}  // namespace grabfs
