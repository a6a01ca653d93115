// SPDX-License-Identifier: Apache-2.0
//
// The test picture as a source.
#include "fusefs/source/pattern.h"

#include <cerrno>
#include <string>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/source/options.h"
#include "fusefs/source/software.h"
#include "fusefs/source/test_picture.h"
#include "kmod/test_picture.h"

namespace grabfs {
namespace {

constexpr Rate kDefaultRate = {30, 1};

FrameFormat DefaultFormat() { return MakeFrameFormat(kBgr4, 640, 480); }

// The formats that the test picture can be painted in.
std::string PaintableNames() {
  std::string names;
  for (const PixelFormat& format : PixelFormats()) {
    if (test_picture_pixel_bytes(format.fourcc) == 0) continue;
    if (!names.empty()) names += ' ';
    names += format.name;
  }
  return names;
}

TestPicture MakePicture(const FrameFormat& format) {
  auto picture = TestPicture::Make(format.fourcc, format.width, format.height);
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
    picture_.Paint(sequence, frame);
  }

 private:
  TestPicture picture_;
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
