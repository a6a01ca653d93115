// SPDX-License-Identifier: Apache-2.0
//
// How the verbs that wait for frames tell about them, and what they make of lost ones.
#pragma once

#include <cstdint>
#include <string>

#include "cli/context.h"
#include "cli/device.h"
#include "cli/exit_code.h"
#include "cli/frame_feed.h"

namespace grabfs::cli {

// One line on standard output: the path of the frame, or an object.
void PrintFrame(Context& context, const Device& device, const Outcome& frame, bool json);

// Counts what became of the frames that a verb waited for.
class Tally {
 public:
  void Count(const Outcome& outcome);
  // A frame that was announced, but recycled before it could be opened.
  void CountMissed() { ++missed_; }

  [[nodiscard]] uint64_t frames() const { return frames_; }
  [[nodiscard]] uint64_t lost() const { return dropped_ + failed_ + missed_; }

  // Tells about lost frames in one line, if there were any, and says how the verb ends: kDropped
  // for any loss when `no_drop` is asked; else kFailed only when nothing but losses came.
  [[nodiscard]] ExitCode Conclude(Context& context, const Device& device, bool no_drop) const;

 private:
  uint64_t frames_ = 0;
  uint64_t dropped_ = 0;
  uint64_t failed_ = 0;
  uint64_t missed_ = 0;
  std::string reason_;  // of the last loss
};

// Why no frame came within the time, and what to do, as far as the status of the device tells.
std::string ExplainSilence(const DeviceStatus& status);

}  // namespace grabfs::cli
