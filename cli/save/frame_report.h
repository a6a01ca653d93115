// SPDX-License-Identifier: Apache-2.0
//
// How verbs that wait for frames print them, and how lost frames affect the exit status.
#pragma once

#include <cstdint>
#include <string>

#include "cli/base/context.h"
#include "cli/base/exit_code.h"
#include "cli/mount/device.h"
#include "cli/mount/frame_feed.h"

namespace grabfs::cli {

// Prints one line: the path of the frame, or a JSON object.
void PrintFrame(Context& context, const Device& device, const Outcome& frame, bool json);

// Counts what became of the frames that a verb waited for.
class Tally {
 public:
  void Count(const Outcome& outcome);

  [[nodiscard]] uint64_t frames() const { return frames_; }
  [[nodiscard]] uint64_t lost() const { return dropped_ + failed_ + missed_; }

  // Prints one line about lost frames, if there were any. Returns the exit status of the verb: with
  // `no_drop` kDropped for any loss, else kFailed only if all frames were lost.
  [[nodiscard]] ExitCode Conclude(Context& context, const Device& device, bool no_drop) const;

 private:
  uint64_t frames_ = 0;
  uint64_t dropped_ = 0;
  uint64_t failed_ = 0;
  uint64_t missed_ = 0;
  std::string reason_;  // of the last loss
};

// Explains from the status of the device why no frame came, and what to do.
std::string ExplainSilence(const DeviceStatus& status);

}  // namespace grabfs::cli
