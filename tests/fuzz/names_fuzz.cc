// SPDX-License-Identifier: Apache-2.0
//
// Names and numbers from outside: what is understood is written in one way only, everything else is
// refused.
#include "cli/base/exit_code.h"
#include "cli/base/text.h"
#include "cli/save/name_pattern.h"
#include "fusefs/base/device_name.h"
#include "fusefs/base/mount_info.h"
#include "fusefs/base/pixel_format.h"
#include "fusefs/base/rate.h"
#include "fusefs/vfs/names.h"
#include "tests/fuzz/fuzz.h"

namespace grabfs::fuzz {
namespace {

// Where sums of sequence numbers would overflow.
constexpr uint64_t kLargest = UINT64_MAX;

void CheckNamesOfTheMount(const std::string& text) {
  if (const auto sequence = ParseFrameName(text)) Require(FrameName(*sequence) == text);
  if (const auto slot = ParseBufferName(text)) Require(BufferName(*slot) == text);
  AcceptOrRefuse([&] {
    ValidateDeviceName(text);
    Require(!text.empty() && text.find('/') == std::string::npos && text.front() != '.');
  });
}

void CheckValues(const std::string& text) {
  AcceptOrRefuse([&] {
    const Rate rate = Rate::Parse(text);
    Require(Rate::Parse(rate.ToString()) == rate);
    if (rate.numerator == 0) return;
    const uint64_t due = rate.DueNs(1);
    Require(rate.DueBefore(due) <= 1 && rate.DueBefore(due + 1) >= 1);
  });
  if (const PixelFormat* format = FindPixelFormat(text)) Require(format->name == text);
  if (const auto fourcc = ParseFourcc(text)) Require(FourccName(*fourcc) == text);
  if (const auto count = cli::ParseCount(text)) (void)cli::HumanBytes(*count);
  if (const auto seconds = cli::ParseSeconds(text)) Require(*seconds >= 0);
}

void CheckTextOfTheCommandLine(const std::string& text) {
  AcceptOrRefuse([&] {
    const cli::NamePattern pattern(text);
    Require((pattern.Expand(0) != pattern.Expand(kLargest)) == pattern.varies());
  });
  for (const MountInfo& mount : ParseMountInfo(text)) {
    Require(mount.mountpoint.find(' ') == std::string::npos ||
            text.find("\\040") != std::string::npos);
  }
  Require(cli::OneLine(text).find('\n') == std::string::npos);
}

}  // namespace
}  // namespace grabfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Names and words come as C strings.
  std::string_view rest = grabfs::fuzz::TextOf(data, size);
  const std::string text(grabfs::fuzz::TakeUntil(rest, '\0'));
  grabfs::fuzz::CheckNamesOfTheMount(text);
  grabfs::fuzz::CheckValues(text);
  grabfs::fuzz::CheckTextOfTheCommandLine(text);
  return 0;
}
