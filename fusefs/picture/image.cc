// SPDX-License-Identifier: Apache-2.0
#include "fusefs/picture/image.h"

#include <algorithm>
#include <cerrno>
#include <limits>

#include "fusefs/base/error.h"
#include "fusefs/picture/bayer.h"
#include "fusefs/picture/jpeg.h"
#include "fusefs/picture/samples.h"

namespace grabfs {
namespace {

using Pixels = std::span<const uint8_t>;

// Of either side: a pixel of a Bayer format needs a neighbour.
constexpr uint32_t kLeastMosaic = 2;

// --- YCbCr to RGB, in fixed-point numbers with 32 bits behind the point: enough for each of the
// 2^24 possible inputs of 8 bits to round as the exact value does. None lies exactly half-way.

constexpr int kFractionBits = 32;

constexpr double kKr = 0.299;
constexpr double kKb = 0.114;
constexpr double kKg = 1 - kKr - kKb;

// From samples of `bits` bits in studio swing to all values of a Word.
template <typename Word>
class YuvToRgb {
 public:
  explicit YuvToRgb(uint32_t bits)
      : black_(16 << (bits - 8)),
        middle_(128 << (bits - 8)),
        luma_(Fixed(kLargest / (219 << (bits - 8)))),
        red_cr_(Fixed(ChromaGain(bits) * (1 - kKr))),
        green_cb_(Fixed(-ChromaGain(bits) * (1 - kKb) * kKb / kKg)),
        green_cr_(Fixed(-ChromaGain(bits) * (1 - kKr) * kKr / kKg)),
        blue_cb_(Fixed(ChromaGain(bits) * (1 - kKb))) {}

  [[nodiscard]] uint32_t Grey(uint32_t luma) const { return Round(luma_ * (luma - black_)); }

  template <typename Put>
  void operator()(uint32_t luma, uint32_t cb, uint32_t cr, Put& put) const {
    const int64_t y = luma_ * (luma - black_);
    const int64_t u = cb - middle_;
    const int64_t v = cr - middle_;
    put(Round(y + red_cr_ * v), Round(y + green_cb_ * u + green_cr_ * v), Round(y + blue_cb_ * u));
  }

 private:
  static constexpr double kLargest = std::numeric_limits<Word>::max();

  static double ChromaGain(uint32_t bits) { return 2 * kLargest / (224 << (bits - 8)); }
  static int64_t Fixed(double value) {
    return static_cast<int64_t>(value * (int64_t{1} << kFractionBits) + (value < 0 ? -0.5 : 0.5));
  }
  static uint32_t Round(int64_t fixed) {
    constexpr int64_t kHalf = int64_t{1} << (kFractionBits - 1);
    constexpr int64_t kMax = std::numeric_limits<Word>::max();
    return static_cast<uint32_t>(std::clamp<int64_t>((fixed + kHalf) >> kFractionBits, 0, kMax));
  }

  const int64_t black_, middle_;
  const int64_t luma_, red_cr_, green_cb_, green_cr_, blue_cb_;
};

// --- What becomes of a pixel

uint32_t Weighted(uint32_t red, uint32_t green, uint32_t blue) {
  return (299U * red + 587U * green + 114U * blue + 500) / 1000;
}

// Appends samples to an image.
template <typename Word>
class PutGrey {
 public:
  explicit PutGrey(uint8_t* out) : out_(out) {}
  void operator()(uint32_t grey) { out_ = PutSample<Word>(grey, out_); }
  void operator()(uint32_t red, uint32_t green, uint32_t blue) {
    (*this)(Weighted(red, green, blue));
  }

 private:
  uint8_t* out_;
};

template <typename Word>
class PutRgb {
 public:
  explicit PutRgb(uint8_t* out) : out_(out) {}
  void operator()(uint32_t grey) { (*this)(grey, grey, grey); }
  void operator()(uint32_t red, uint32_t green, uint32_t blue) {
    out_ = PutSample<Word>(blue, PutSample<Word>(green, PutSample<Word>(red, out_)));
  }

 private:
  uint8_t* out_;
};

// --- The pixels of a frame, one after another

// A whole frame and the row of its format.
struct Frame {
  const FrameFormat& format;
  const PixelFormat& pixel;
  Pixels pixels;
};

// `put(value)`: of formats whose first component is what is wanted as grey.
template <typename Word, typename Put>
void EachGrey(const Frame& frame, Put put) {
  const auto rows = RowsOf(frame.format, frame.pixels.data());
  const SampleReader<Word> read(frame.pixel);
  const YuvToRgb<Word> yuv(frame.pixel.bits);
  const bool full_swing = frame.pixel.family == PixelFamily::kGreyscale;
  const size_t step = rows[0].step;
  for (uint32_t y = 0; y < frame.format.height; ++y) {
    const uint8_t* in = rows[0].at(y);
    if (full_swing) {
      for (uint32_t x = 0; x < frame.format.width; ++x, in += step) put(read.Widened(read(in)));
    } else {
      for (uint32_t x = 0; x < frame.format.width; ++x, in += step) put(yuv.Grey(read(in)));
    }
  }
}

template <typename Word, typename Put>
void EachOfRgb(const Frame& frame, Put put) {
  const auto [red, green, blue] = RowsOf(frame.format, frame.pixels.data());
  const SampleReader<Word> read(frame.pixel);
  const auto sample = [&read](const uint8_t* in) { return read.Widened(read(in)); };
  for (uint32_t y = 0; y < frame.format.height; ++y) {
    const uint8_t* r = red.at(y);
    const uint8_t* g = green.at(y);
    const uint8_t* b = blue.at(y);
    const size_t step = red.step;
    const size_t end = frame.format.width * step;
    for (size_t x = 0; x < end; x += step) put(sample(r + x), sample(g + x), sample(b + x));
  }
}

template <typename Word, typename Put>
void EachOfYuv(const Frame& frame, Put put) {
  const auto [luma, cb, cr] = RowsOf(frame.format, frame.pixels.data());
  const SampleReader<Word> read(frame.pixel);
  const YuvToRgb<Word> yuv(frame.pixel.bits);
  const uint32_t x_shift = frame.pixel.chroma.x_shift;
  for (uint32_t y = 0; y < frame.format.height; ++y) {
    const uint8_t* in = luma.at(y);
    const uint8_t* cb_row = cb.at(y >> frame.pixel.chroma.y_shift);
    const uint8_t* cr_row = cr.at(y >> frame.pixel.chroma.y_shift);
    for (uint32_t x = 0; x < frame.format.width; ++x, in += luma.step) {
      const size_t at = (x >> x_shift) * cb.step;
      yuv(read(in), read(cb_row + at), read(cr_row + at), put);
    }
  }
}

template <typename Word, typename Put>
void EachOfBayer(const Frame& frame, Put put) {
  Demosaicer demosaicer(frame.format, frame.pixels);
  const SampleReader<Word> read(frame.pixel);
  for (uint32_t y = 0; y < frame.format.height; ++y) {
    const auto rgb = demosaicer.NextRow();
    for (size_t i = 0; i < rgb.size(); i += 3) {
      put(read.Widened(rgb[i]), read.Widened(rgb[i + 1]), read.Widened(rgb[i + 2]));
    }
  }
}

// `put(value)` or `put(red, green, blue)`.
template <typename Word, typename Put>
void EachPixel(const Frame& frame, Put put) {
  switch (frame.pixel.family) {
    case PixelFamily::kGreyscale:
      return EachGrey<Word>(frame, put);
    case PixelFamily::kRgb:
      return EachOfRgb<Word>(frame, put);
    case PixelFamily::kYuv:
      return EachOfYuv<Word>(frame, put);
    case PixelFamily::kBayer:
      return EachOfBayer<Word>(frame, put);
  }
}

// --- All

const PixelFormat& RequireWhole(const FrameFormat& f, Pixels pixels) {
  const PixelFormat* const pixel = FindPixelFormat(f.fourcc);
  if (pixel == nullptr) throw Error(EINVAL, "pixel format '" + f.name() + "' cannot be converted");
  FrameFormat whole = f;
  whole.bytes = pixels.size();
  if (CanConvert(whole)) return *pixel;
  throw Error(EINVAL, std::to_string(pixels.size()) + " bytes with a stride of " +
                          std::to_string(f.stride) + " are no whole " + std::to_string(f.width) +
                          "x" + std::to_string(f.height) + " " + f.name() + " image");
}

}  // namespace

void SwapBytes(Image& image) {
  if (image.bits == 8) return;
  for (size_t i = 0; i < image.samples.size(); i += 2) {
    std::swap(image.samples[i], image.samples[i + 1]);
  }
}

bool CanConvert(const FrameFormat& f) {
  const PixelFormat* const pixel = FindPixelFormat(f.fourcc);
  if (pixel == nullptr && !IsJpeg(f.fourcc)) return false;
  const bool mosaic = pixel != nullptr && pixel->family == PixelFamily::kBayer;
  const uint32_t least = mosaic ? kLeastMosaic : 1;
  if (std::min(f.width, f.height) < least || std::max(f.width, f.height) > kMaxDimension) {
    return false;
  }
  if (pixel == nullptr) return true;  // how long a JPEG is, it says itself
  return f.stride >= PackedFormat(f.fourcc, f.width, f.height).stride &&
         f.bytes >= PlanesOf(*pixel, f.stride, f.height).back().end();
}

Image ShapeOf(const FrameFormat& f, Colours colours) {
  const PixelFormat* const pixel = FindPixelFormat(f.fourcc);  // nullptr: JPEG
  const bool is_grey = pixel != nullptr && pixel->family == PixelFamily::kGreyscale;
  const bool grey = colours == Colours::kAsTheyAre ? is_grey : colours == Colours::kToGrey;
  const uint32_t bits = pixel == nullptr ? 8 : 8 * pixel->sample_bytes();
  return {f.width, f.height, grey ? 1U : 3U, bits, {}};
}

Image Convert(const FrameFormat& format, Pixels pixels, Colours colours) {
  Image image = ShapeOf(format, colours);
  if (IsJpeg(format.fourcc)) {
    DecodeJpeg(pixels, image);
    return image;
  }
  const Frame frame = {format, RequireWhole(format, pixels), pixels};
  image.samples.resize(image.bytes());
  uint8_t* const out = image.samples.data();
  WithWordOf(frame.pixel, [&](auto word) {
    using Word = decltype(word);
    if (image.channels == 3) {
      EachPixel<Word>(frame, PutRgb<Word>(out));
    } else if (frame.pixel.family == PixelFamily::kYuv) {
      EachGrey<Word>(frame, PutGrey<Word>(out));  // its luma
    } else {
      EachPixel<Word>(frame, PutGrey<Word>(out));
    }
  });
  return image;
}

}  // namespace grabfs
