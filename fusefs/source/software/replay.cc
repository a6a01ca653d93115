// SPDX-License-Identifier: Apache-2.0
//
// A clip as a source.
#include "fusefs/source/software/replay.h"

#include <cerrno>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/source/options.h"
#include "fusefs/source/software/clip.h"
#include "fusefs/source/software/software.h"

namespace grabfs {
namespace {

constexpr Rate kDefaultRate = {30, 1};

class Replay final : public SoftwareSource {
 public:
  Replay(std::string description, Clip clip, Rate rate)
      : SoftwareSource(rate), description_(std::move(description)), clip_(std::move(clip)) {
    format_ = clip_.format();
  }

  [[nodiscard]] std::string description() const override { return description_; }

 protected:
  FrameFormat OnSetFormat(const FormatRequest& request) override {
    clip_.SetFormat(request);
    return clip_.format();
  }

  void Paint(uint64_t sequence, std::span<std::byte> frame) override {
    clip_.Read(sequence % clip_.frames(), frame);
  }

 private:
  std::string description_;
  Clip clip_;
};

}  // namespace

std::unique_ptr<Source> MakeReplay(SourceSpec& spec) {
  if (spec.argument.empty()) throw Error(EINVAL, "replay: give the file, as in replay:FILE");
  Clip clip(spec.argument, TakeFormatOptions(spec));
  const Rate rate = TakeRateOption(spec).value_or(clip.rate().value_or(kDefaultRate));
  return std::make_unique<Replay>("replay:" + spec.argument, std::move(clip), rate);
}

}  // namespace grabfs
