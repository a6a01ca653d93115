// SPDX-License-Identifier: Apache-2.0
//
// A raw file and a request for its format, which is the first line of the input (FORMAT WIDTH
// HEIGHT [WIDTH HEIGHT]): the frames of an accepted file fill it without a rest, and a change of
// format that is refused leaves it as it was.
#include <sstream>

#include "fusefs/source/software/clip.h"
#include "tests/fuzz/clip_file.h"
#include "tests/fuzz/fuzz.h"

namespace grabfs::fuzz {
namespace {

std::optional<uint32_t> TakeNumber(std::istream& words) {
  uint32_t number = 0;
  return words >> number ? std::optional(number) : std::nullopt;
}

FormatRequest ParseRequest(std::istream& words) {
  FormatRequest request;
  std::string name;
  words >> name;
  if (const PixelFormat* format = FindPixelFormat(name)) request.fourcc = format->fourcc;
  request.width = TakeNumber(words);
  request.height = TakeNumber(words);
  return request;
}

void RequireWhole(const Clip& clip, size_t size) {
  Require(clip.frames() > 0 && clip.frames() * clip.format().bytes == size);
  ReadEveryFrame(clip);
}

void Check(std::string_view text) {
  std::istringstream words{std::string(TakeUntil(text, '\n'))};
  // Another grammar, with a target of its own.
  if (text.starts_with("YUV4MPEG2")) return;
  const ClipFile file(text);
  AcceptOrRefuse([&] {
    Clip clip(file.path(), ParseRequest(words));
    RequireWhole(clip, text.size());
    const FormatRequest other = {
        .fourcc = {}, .width = TakeNumber(words), .height = TakeNumber(words)};
    const FrameFormat before = clip.format();
    const bool changed = AcceptOrRefuse([&] { clip.SetFormat(other); });
    Require(changed || clip.format() == before);
    RequireWhole(clip, text.size());
  });
}

}  // namespace
}  // namespace grabfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  grabfs::fuzz::Check(grabfs::fuzz::TextOf(data, size));
  return 0;
}
