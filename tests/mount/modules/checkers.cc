// SPDX-License-Identifier: Apache-2.0
//
// The smallest loadable source: frames whose every byte is their number.
#include <algorithm>

#include "fusefs/base/error.h"
#include "fusefs/base/log.h"
#include "fusefs/source/module.h"
#include "fusefs/source/options.h"
#include "fusefs/source/software/software.h"

namespace grabfs {
namespace {

class Checkers final : public SoftwareSource {
 public:
  explicit Checkers(Rate rate) : SoftwareSource(rate) { format_ = MakeFrameFormat(kGrey, 64, 64); }
  [[nodiscard]] std::string description() const override { return "checkers"; }

 protected:
  FrameFormat OnSetFormat(const FormatRequest& request) override {
    return ApplyRequest(format(), request);
  }
  void Paint(uint64_t sequence, std::span<std::byte> frame) override {
    if (sequence == 0) LogInfo("checkers are painted");
    if (sequence == 3) throw Error(EIO, "a broken frame");
    std::ranges::fill(frame, static_cast<std::byte>(sequence + 1));
  }
};

std::unique_ptr<Source> MakeCheckers(SourceSpec& spec) {
  if (spec.argument == "none") throw Error(ENODEV, "checkers: there is no such board");
  return std::make_unique<Checkers>(TakeRateOption(spec).value_or(Rate{100, 1}));
}

}  // namespace
}  // namespace grabfs

GRABFS_SOURCE_MODULE("checkers", grabfs::MakeCheckers);
