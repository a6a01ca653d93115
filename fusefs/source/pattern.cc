// SPDX-License-Identifier: Apache-2.0
//
// The test picture as a source.
#include "fusefs/source/pattern.h"

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/source/options.h"
#include "fusefs/source/software.h"
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

// The geometry of one picture and its painted rows, from which every frame is copied.
class Picture {
 public:
  explicit Picture(const FrameFormat& format) {
    if (!test_picture_init(&geometry_, format.fourcc, format.width, format.height)) {
      throw Error(EINVAL,
                  "format " + format.name() + ": pattern can be one of " + PaintableNames());
    }
    table_.resize((test_picture_table_bytes(&geometry_) + sizeof(CacheLine) - 1) /
                  sizeof(CacheLine));
    test_picture_table_init(&geometry_, rows());
  }

  void Paint(uint64_t sequence, std::span<std::byte> frame) const {
    test_picture_paint(&geometry_, rows(), sequence, 0, frame.size(),
                       reinterpret_cast<uint8_t*>(frame.data()));
  }

 private:
  // Copies between memory that is not aligned alike take twice the time on some processors.
  struct alignas(64) CacheLine {
    std::array<uint8_t, 64> bytes;
  };

  [[nodiscard]] const uint8_t* rows() const { return table_.front().bytes.data(); }
  [[nodiscard]] uint8_t* rows() { return table_.front().bytes.data(); }

  test_picture geometry_{};
  std::vector<CacheLine> table_;
};

class Pattern final : public SoftwareSource {
 public:
  Pattern(const FrameFormat& format, Rate rate) : SoftwareSource(rate), picture_(format) {
    format_ = format;
  }

  [[nodiscard]] std::string description() const override { return "pattern"; }

 protected:
  FrameFormat OnSetFormat(const FormatRequest& request) override {
    const FrameFormat format = ApplyRequest(this->format(), request);
    picture_ = Picture(format);
    return format;
  }

  void Paint(uint64_t sequence, std::span<std::byte> frame) override {
    picture_.Paint(sequence, frame);
  }

 private:
  Picture picture_;
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
