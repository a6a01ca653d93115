// SPDX-License-Identifier: Apache-2.0
#include "tests/vm/guest/uvc/uvc_mode.h"

#include <algorithm>
#include <cstring>

namespace grabfs::vm {
namespace {

// What is around a compressed picture.
struct Markers {
  Bytes start;
  Bytes end{};
};
// JPEG: nothing else in the picture has 0xff. H.264: the delimiter of an access unit.
const Markers& MarkersOf(UvcFormat format) {
  static const Markers jpeg = {.start = {0xff, 0xd8}, .end = {0xff, 0xd9}};
  static const Markers h264 = {.start = {0x00, 0x00, 0x00, 0x01, 0x09, 0x10}};
  return format == UvcFormat::kMjpg ? jpeg : h264;
}

constexpr uint32_t kLeastCompressed = 4096;

constexpr uint32_t kNoMarkers = 0x7f7f7f7f;

uint32_t Mix(uint32_t x) {
  x *= 0x9e3779b1;
  x ^= x >> 15;
  x *= 0x85ebca6b;
  return x ^ x >> 13;
}

// 28 bits in four bytes, none of which is 0xff; and back.
uint32_t Spread(uint32_t number) {
  uint32_t word = 0;
  for (int i = 0; i < 4; ++i) word |= (number >> 7 * i & 0x7f) << 8 * i;
  return word;
}
uint32_t Gather(uint32_t word) {
  uint32_t number = 0;
  for (int i = 0; i < 4; ++i) number |= (word >> 8 * i & 0x7f) << 7 * i;
  return number;
}

// The picture as words, first its number.
void Draw(uint32_t camera, uint32_t number, std::span<uint8_t> to) {
  const uint32_t key = Mix(number ^ Mix(camera + 1));
  const size_t words = to.size() / sizeof(uint32_t);
  for (uint32_t i = 0; i < words; ++i) {
    const uint32_t word = i == 0 ? Spread(number) : (key ^ i * 0x9e3779b1 ^ i >> 7) & kNoMarkers;
    std::memcpy(&to[i * sizeof word], &word, sizeof word);
  }
}

uint32_t CompressedWords(uint32_t number, uint32_t max_bytes) {
  return (kLeastCompressed + Mix(number) % (max_bytes - kLeastCompressed)) / sizeof(uint32_t);
}

}  // namespace

const std::vector<UvcSize>& UvcSizes() {
  static const std::vector<UvcSize> sizes = {
      {640, 480, {30, 15, 5}},
      {1280, 720, {10, 5}},
      {320, 240, {30, 15, 5}},
  };
  return sizes;
}

uint32_t UvcMaxBytes(UvcFormat format, const UvcSize& size) {
  const uint32_t pixels = uint32_t{size.width} * size.height;
  return format == UvcFormat::kYuyv ? pixels * 2 : pixels;
}

uint32_t UvcInterval(uint32_t rate) { return 10'000'000 / rate; }

Bytes UvcPictures::Make(uint32_t number) const {
  if (format == UvcFormat::kYuyv) {
    Bytes picture(max_bytes);
    Draw(camera, number, picture);
    return picture;
  }
  const auto& [start, end] = MarkersOf(format);
  const auto markers = static_cast<uint32_t>(start.size() + end.size());
  const size_t words = CompressedWords(number, max_bytes - markers);
  Bytes picture = start;
  picture.resize(start.size() + words * sizeof(uint32_t));
  Draw(camera, number, std::span(picture).subspan(start.size()));
  picture.insert(picture.end(), end.begin(), end.end());
  return picture;
}

std::optional<uint32_t> UvcPictures::Recognize(std::span<const std::byte> picture) const {
  const size_t at = format == UvcFormat::kYuyv ? 0 : MarkersOf(format).start.size();
  uint32_t first = 0;
  if (picture.size() < at + sizeof first) return std::nullopt;
  std::memcpy(&first, &picture[at], sizeof first);
  const uint32_t number = Gather(first);
  const Bytes right = Make(number);
  if (!std::ranges::equal(std::as_bytes(std::span(right)), picture)) return std::nullopt;
  return number;
}

}  // namespace grabfs::vm
