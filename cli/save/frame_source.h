// SPDX-License-Identifier: Apache-2.0
//
// One frame of a device after the other, held, from now on; and what became of the frames between
// them.
#pragma once

#include <cstdint>
#include <optional>

#include "cli/mount/device.h"
#include "cli/mount/frame.h"
#include "cli/mount/status.h"
#include "cli/save/frame_report.h"

namespace grabfs::cli {

// How often, in seconds, those who wait for frames look for signals, lost frames and the end.
inline constexpr double kGlance = 0.1;

class FrameSource {
 public:
  enum class Choice {
    kEach,    // none is skipped as long as the device has buffers
    kNewest,  // those between are not wanted
  };
  // Throws Error.
  FrameSource(const Device& device, Choice choice);

  // The number of the first frame from now on, and that from which on nothing is known yet.
  [[nodiscard]] uint64_t first_sequence() const { return start_.sequence.next; }
  [[nodiscard]] uint64_t position() const { return position_; }
  // For poll(): readable when Take(0) may find something that it did not find before.
  [[nodiscard]] int fd() {
    return WithErrors([this] { return camera_.fd(); });
  }

  // Goes back to an older frame. What comes before first_sequence() is not counted.
  void Seek(uint64_t sequence);

  // The next frame. nullopt: none within `seconds`, a signal came, or, if the caller `holds` some,
  // no more may be held, which full() says. Throws Error.
  std::optional<grabfs::Frame> Take(double seconds, bool holds);
  [[nodiscard]] bool full() const { return full_; }

  // To be called when Take() has found nothing for a while. True: frames were lost of which no
  // later frame tells; they are counted now. Throws Error.
  bool SkipLost();

  [[nodiscard]] uint64_t frames() const { return frames_; }
  [[nodiscard]] uint64_t lost() const { return lost_; }
  // With the causes of the losses, as far as the device knows them. Throws Error.
  [[nodiscard]] Tally MakeTally() const;

 private:
  void Count(const grabfs_frame& frame);

  const Device& device_;
  const Choice choice_;
  const DeviceStatus start_;
  grabfs::Device camera_;
  uint64_t position_;
  uint64_t decided_ = 0;  // what the position should have been at the last SkipLost()
  uint64_t frames_ = 0;
  uint64_t lost_ = 0;
  bool full_ = false;
};

}  // namespace grabfs::cli
