// SPDX-License-Identifier: Apache-2.0
//
// The test picture as a source.
#include "fusefs/source/software/pattern.h"

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/picture/paint.h"
#include "fusefs/source/options.h"
#include "fusefs/source/software/software.h"
#include "fusefs/source/software/test_picture.h"
#include "kmod/test_picture.h"

namespace grabfs {
namespace {

constexpr Rate kDefaultRate = {30, 1};

FrameFormat DefaultFormat() { return MakeFrameFormat(kBgr4, 640, 480); }

// What the test picture is painted in for frames of a format that it does not have itself.
Fourcc PictureFormat(Fourcc fourcc) {
  return test_picture_pixel_bytes(fourcc) > 0 ? fourcc : PaintedIn(fourcc);
}

// The formats that frames can have.
std::string PaintableNames() {
  std::string names;
  for (const PixelFormat& format : PixelFormats()) {
    if (test_picture_pixel_bytes(PictureFormat(format.fourcc)) == 0) continue;
    if (!names.empty()) names += ' ';
    names += format.name;
  }
  return names;
}

TestPicture MakePicture(const FrameFormat& format) {
  auto picture = TestPicture::Make(PictureFormat(format.fourcc), format.width, format.height);
  if (!picture) {
    throw Error(EINVAL, "format " + format.name() + ": pattern can be one of " + PaintableNames());
  }
  return *std::move(picture);
}

class Pattern final : public SoftwareSource {
 public:
  Pattern(const FrameFormat& format, Rate rate)
      : SoftwareSource(rate), picture_(MakePicture(format)) {
    format_ = format;
  }

  [[nodiscard]] std::string description() const override { return "pattern"; }

 protected:
  FrameFormat OnSetFormat(const FormatRequest& request) override {
    const FrameFormat format = ApplyRequest(this->format(), request);
    picture_ = MakePicture(format);
    return format;
  }

  void Paint(uint64_t sequence, std::span<std::byte> frame) override {
    if (PictureFormat(format_.fourcc) == format_.fourcc) return picture_.Paint(sequence, frame);
    painted_.resize(picture_.bytes());
    picture_.Paint(sequence, std::as_writable_bytes(std::span(painted_)));
    PaintFrame(format_, painted_, {reinterpret_cast<uint8_t*>(frame.data()), frame.size()});
    Stamp(sequence, frame);
  }

 private:
  // As the test picture does: every row begins with its frame's number, little-endian.
  void Stamp(uint64_t sequence, std::span<std::byte> frame) const {
    for (size_t row = 0; row < frame.size(); row += format_.stride) {
      for (size_t i = 0; i < TEST_PICTURE_STAMP_BYTES; ++i) {
        frame[row + i] = static_cast<std::byte>(sequence >> (8 * i));
      }
    }
  }

  TestPicture picture_;
  std::vector<uint8_t> painted_;  // of which frames of another format are made
};

}  // namespace

std::unique_ptr<Source> MakePattern(SourceSpec& spec) {
  if (!spec.argument.empty()) {
    throw Error(EINVAL, "pattern:" + spec.argument + ": pattern takes no argument after a colon");
  }
  const FrameFormat format = ApplyRequest(DefaultFormat(), TakeFormatOptions(spec));
  return std::make_unique<Pattern>(format, TakeRateOption(spec).value_or(kDefaultRate));
}

}  // namespace grabfs
