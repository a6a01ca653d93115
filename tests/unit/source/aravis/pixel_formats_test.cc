// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/aravis/pixel_formats.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <vector>

namespace grabfs {
namespace {

// An image of these samples, packed, at the end of memory that is large enough for it unpacked.
std::vector<std::byte> AtTheEnd(const std::vector<uint8_t>& packed, size_t samples) {
  std::vector<std::byte> memory(2 * samples);
  std::memcpy(memory.data() + memory.size() - packed.size(), packed.data(), packed.size());
  return memory;
}

std::vector<uint16_t> Samples(const std::vector<std::byte>& memory) {
  std::vector<uint16_t> samples;
  for (size_t i = 0; i + 1 < memory.size(); i += 2) {
    samples.push_back(static_cast<uint16_t>(std::to_integer<unsigned>(memory[i]) |
                                            std::to_integer<unsigned>(memory[i + 1]) << 8));
  }
  return samples;
}

std::vector<uint16_t> Unpacked(GenicamPacking packing, const std::vector<uint8_t>& packed,
                               size_t samples) {
  auto memory = AtTheEnd(packed, samples);
  UnpackInPlace(packing, memory);
  return Samples(memory);
}

using Values = std::vector<uint16_t>;

// The bytes are those of the standards' pictures: PFNC for "p", GigE Vision for "Packed".
TEST(GenicamFormatsTest, UnpacksWhatTheStandardsDraw) {
  EXPECT_EQ(Unpacked(GenicamPacking::kBits12, {0xbc, 0x1a, 0x23}, 2), (Values{0xabc, 0x231}));
  EXPECT_EQ(Unpacked(GenicamPacking::kGige12, {0xab, 0x1c, 0x23}, 2), (Values{0xabc, 0x231}));
  EXPECT_EQ(Unpacked(GenicamPacking::kGige10, {0xff, 0x21, 0x80}, 2), (Values{0x3fd, 0x202}));
  EXPECT_EQ(Unpacked(GenicamPacking::kBits10, {0x01, 0x08, 0x30, 0x00, 0x81}, 4),
            (Values{0x001, 0x002, 0x003, 0x204}));
}

// Packs values as a stream of bits, least significant first: written differently than the table's.
std::vector<uint8_t> PackBits(const Values& values, unsigned bits) {
  std::vector<uint8_t> packed((values.size() * bits + 7) / 8);
  for (size_t i = 0; i < values.size() * bits; ++i) {
    if ((values[i / bits] >> i % bits & 1) != 0) packed[i / 8] |= static_cast<uint8_t>(1 << i % 8);
  }
  return packed;
}

TEST(GenicamFormatsTest, UnpacksInPlaceWhateverTheNumberOfSamples) {
  for (size_t count = 1; count < 70; ++count) {
    Values values;
    for (size_t i = 0; i < count; ++i)
      values.push_back(static_cast<uint16_t>(i * 2654435761U >> 7));
    Values ten = values;
    for (uint16_t& value : ten) value &= 0x3ff;
    Values twelve = values;
    for (uint16_t& value : twelve) value &= 0xfff;
    EXPECT_EQ(Unpacked(GenicamPacking::kBits10, PackBits(ten, 10), count), ten) << count;
    EXPECT_EQ(Unpacked(GenicamPacking::kBits12, PackBits(twelve, 12), count), twelve) << count;
  }
}

TEST(GenicamFormatsTest, EachRowIsAFormatOfOursWithItsBytesOnTheWire) {
  std::set<uint32_t> codes;
  std::set<std::string_view> names;
  for (const GenicamFormat& format : GenicamFormats()) {
    SCOPED_TRACE(format.name);
    EXPECT_TRUE(codes.insert(format.code).second);
    EXPECT_TRUE(names.insert(format.name).second);
    ASSERT_NE(FindPixelFormat(format.fourcc), nullptr);
    const FrameFormat frame = PackedFormat(format.fourcc, 64, 32);
    const uint64_t wire = format.WireBytes(64, 32);
    if (format.packing == GenicamPacking::kNone) {
      EXPECT_EQ(frame.bytes, wire);
    } else {
      EXPECT_GT(frame.bytes, wire);
      EXPECT_EQ(frame.bytes, 2u * 64 * 32);
    }
    EXPECT_EQ(FindGenicamFormat(format.code), &format);
  }
  EXPECT_EQ(FindGenicamFormat(0x01100025), nullptr) << "Mono14 has no fourcc";
}

}  // namespace
}  // namespace grabfs
