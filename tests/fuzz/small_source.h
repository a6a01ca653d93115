// SPDX-License-Identifier: Apache-2.0
//
// A source whose pictures and memory stay small whatever it is asked for, so that a fuzzed device
// is never slow for want of memory.
#pragma once

#include <algorithm>
#include <string>

#include "fusefs/source/options.h"
#include "fusefs/source/software/software.h"
#include "tests/fuzz/fuzz.h"

namespace grabfs::fuzz {

class SmallSource final : public SoftwareSource {
 public:
  SmallSource() : SoftwareSource(Rate{1000, 1}) { format_ = MakeFrameFormat(kGrey, 16, 16); }

  [[nodiscard]] std::string description() const override { return "small"; }

 protected:
  FrameFormat OnSetFormat(const FormatRequest& request) override {
    const FrameFormat format = ApplyRequest(this->format(), request);
    if (format.bytes > kMaxBytes) throw Error(EINVAL, "small pictures only");
    return format;
  }

  std::vector<std::unique_ptr<Memory>> OnAllocateBuffers(const std::string& name,
                                                         uint32_t count) override {
    if (count > kMaxBuffers) throw Error(ENOMEM, "few buffers only");
    return SoftwareSource::OnAllocateBuffers(name, count);
  }

  void Paint(uint64_t sequence, std::span<std::byte> frame) override {
    std::ranges::fill(frame, static_cast<std::byte>(sequence));
  }

 private:
  static constexpr uint64_t kMaxBytes = 64 << 10;
  static constexpr uint32_t kMaxBuffers = 16;
};

}  // namespace grabfs::fuzz
