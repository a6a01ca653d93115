// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/modes.h"

namespace grabfs {
namespace {

constexpr mode_t kRead = 0444;
constexpr mode_t kWrite = 0222;
constexpr mode_t kEnter = 0111;
constexpr mode_t kDirectory = 0755;

// x for those of owner, group and others who have any right in `mode`.
mode_t EnterFor(mode_t mode) { return (mode | mode >> 1 | mode >> 2) & kEnter; }

}  // namespace

std::optional<mode_t> Modes::Given(Content content) const {
  switch (content) {
    case Content::kPictures:
      return frame;
    case Content::kSettings:
      return control;
    case Content::kOther:
      break;
  }
  return std::nullopt;
}

mode_t Modes::Guests() const {
  const mode_t enter = EnterFor(frame.value_or(0) | control.value_or(0));
  return enter | enter << 2;
}

mode_t Modes::OfFile(Content content, mode_t mode) const {
  if (const auto given = Given(content)) return *given & (mode & kWrite ? kRead | kWrite : kRead);
  return mode & (~umask | (content == Content::kOther ? Guests() : 0));
}

mode_t Modes::OfDirectory(Content content) const {
  if (const auto given = Given(content)) return *given | EnterFor(*given);
  return (kDirectory & ~umask) | (content == Content::kOther ? Guests() : 0);
}

}  // namespace grabfs
