// SPDX-License-Identifier: Apache-2.0
//
// Parsing and printing of YUV4MPEG2 headers.
#include "fusefs/picture/y4m.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

constexpr std::string_view kSignature = "YUV4MPEG2";
constexpr std::string_view kFrame = "FRAME";

// Variants of "420jpeg" that differ in where the chroma samples lie, not in their bytes.
constexpr std::string_view k420Variants[] = {"420mpeg2", "420paldv", "420"};

// Of a planar format, as ffmpeg and its readers call it: samples of more than 8 bits have two
// bytes, the less significant first.
std::string ColourSpaceOf(const PixelFormat& pixel) {
  const bool wide = pixel.bits > 8;
  const std::string bits = wide ? std::to_string(pixel.bits) : "";
  if (pixel.family == PixelFamily::kGreyscale) return "mono" + bits;
  if (pixel.chroma.y_shift > 0) return wide ? "420p" + bits : "420jpeg";
  return (pixel.chroma.x_shift > 0 ? "422" : "444") + (wide ? "p" + bits : "");
}

[[noreturn]] void Refuse(uint64_t offset, const std::string& what) {
  throw Error(EINVAL, what + " at byte " + std::to_string(offset));
}

// One parameter of a header: a letter, its value, and where it stands.
struct Parameter {
  char tag;
  std::string_view value;
  uint64_t offset;

  [[nodiscard]] std::string text() const { return tag + std::string(value); }
};

uint32_t ParseDimension(const Parameter& parameter) {
  uint32_t number = 0;
  const char* end = parameter.value.data() + parameter.value.size();
  const auto [stop, error] = std::from_chars(parameter.value.data(), end, number);
  if (error != std::errc() || stop != end) {
    Refuse(parameter.offset, "'" + parameter.text() + "' is no size");
  }
  return number;
}

// "0:0" is how a stream says that it does not know. A time base that is no frame rate (streams of
// variable rate carry the like of 90000:1) becomes the fastest rate: it is a default only.
std::optional<Rate> ParseRate(const Parameter& parameter) {
  if (parameter.value == "0:0") return std::nullopt;
  std::string fraction(parameter.value);
  std::replace(fraction.begin(), fraction.end(), ':', '/');
  uint64_t frames = 0;
  uint64_t seconds = 0;
  const char* end = fraction.data() + fraction.size();
  const auto first = std::from_chars(fraction.data(), end, frames);
  const bool has_slash = first.ec == std::errc() && first.ptr != end && *first.ptr == '/';
  const auto second = has_slash ? std::from_chars(first.ptr + 1, end, seconds) : first;
  if (!has_slash || second.ec != std::errc() || second.ptr != end || seconds == 0 || frames == 0) {
    Refuse(parameter.offset, "'" + parameter.text() + "' is no frame rate");
  }
  if (frames / seconds >= Rate::kMax) return Rate{Rate::kMax, 1};
  return Rate::Parse(fraction);
}

Fourcc ParseColourSpace(const Parameter& parameter) {
  const bool variant = std::ranges::find(k420Variants, parameter.value) != std::end(k420Variants);
  const std::string_view wanted = variant ? "420jpeg" : parameter.value;
  std::string known;
  for (const PixelFormat& pixel : PixelFormats()) {
    if (!pixel.planar()) continue;
    const std::string space = ColourSpaceOf(pixel);
    if (space == wanted) return pixel.fourcc;
    known += " C" + space;
  }
  Refuse(parameter.offset, "colour space '" + parameter.text() + "' is none of" + known);
}

// Collects the parameters of a stream header.
struct HeaderBuilder {
  std::optional<uint32_t> width;
  std::optional<uint32_t> height;
  std::optional<Rate> rate;
  Fourcc fourcc = kYu12;  // what a stream without C means

  void Add(const Parameter& parameter) {
    switch (parameter.tag) {
      case 'W':
        width = ParseDimension(parameter);
        break;
      case 'H':
        height = ParseDimension(parameter);
        break;
      case 'F':
        rate = ParseRate(parameter);
        break;
      case 'C':
        fourcc = ParseColourSpace(parameter);
        break;
      case 'I':  // interlacing and
      case 'A':  // the pixel's aspect ratio change no byte;
      case 'X':  // extensions are for whom they concern
        break;
      default:
        Refuse(parameter.offset, "unknown parameter '" + parameter.text() + "'");
    }
  }
};

// The line that `text` begins with, without its newline.
std::string_view TakeLine(std::string_view text, uint64_t offset, const char* what) {
  const std::string_view head = text.substr(0, kY4mMaxLine);
  const size_t newline = head.find('\n');
  if (newline != std::string_view::npos) return head.substr(0, newline);
  if (head.size() < kY4mMaxLine) Refuse(offset + head.size(), std::string("truncated ") + what);
  Refuse(offset, std::string(what) + " without an end");
}

bool StartsWithWord(std::string_view line, std::string_view word) {
  return line.starts_with(word) && (line.size() == word.size() || line[word.size()] == ' ');
}

}  // namespace

bool IsY4m(std::string_view start) { return start.starts_with(kSignature); }

Y4mHeader ParseY4mHeader(std::string_view start) {
  const std::string_view line = TakeLine(start, 0, "YUV4MPEG2 header");
  if (!StartsWithWord(line, kSignature)) Refuse(0, "no YUV4MPEG2 header");
  HeaderBuilder builder;
  for (size_t begin = kSignature.size(); begin < line.size();) {
    const size_t end = std::min(line.find(' ', begin), line.size());
    if (end > begin) builder.Add({line[begin], line.substr(begin + 1, end - begin - 1), begin});
    begin = end + 1;
  }
  if (!builder.width || !builder.height) Refuse(line.size(), "no width (W) or no height (H)");
  return {.format = MakeFrameFormat(builder.fourcc, *builder.width, *builder.height),
          .rate = builder.rate,
          .length = line.size() + 1};
}

size_t ParseY4mFrameHeader(std::string_view text, uint64_t offset) {
  const std::string_view word = text.substr(0, kFrame.size());
  if (word != kFrame.substr(0, word.size())) Refuse(offset, "no frame header");
  const std::string_view line = TakeLine(text, offset, "frame header");
  if (!StartsWithWord(line, kFrame)) Refuse(offset, "no frame header");
  return line.size() + 1;
}

std::string PrintY4mHeader(const FrameFormat& format, Rate rate) {
  if (rate.unlimited()) rate = {30, 1};
  return std::string(kSignature) + " W" + std::to_string(format.width) + " H" +
         std::to_string(format.height) + " F" + std::to_string(rate.numerator) + ":" +
         std::to_string(rate.denominator) + " Ip A1:1 C" +
         ColourSpaceOf(*FindPixelFormat(format.fourcc)) + "\n";
}

}  // namespace grabfs
