// SPDX-License-Identifier: Apache-2.0
//
// The permission bits of a device's files, by -o umask=, frame_mode= and control_mode=. The kernel
// enforces them (default_permissions).
#pragma once

#include <sys/types.h>

#include <optional>

namespace grabfs {

// What a file is about. Decides which option gives its mode.
enum class Content {
  kPictures,  // frame_mode=
  kSettings,  // control_mode=
  kOther,     // what both need: directories on the way, status.json ...
};

// Threads: any; immutable.
struct Modes {
  mode_t umask = 022;
  // Given: instead of umask, for files of that content.
  std::optional<mode_t> frame;
  std::optional<mode_t> control;

  // The mode of a file that has `mode` without options. If that has no w, the file has none.
  [[nodiscard]] mode_t OfFile(Content content, mode_t mode) const;
  // The mode of a directory of such files.
  [[nodiscard]] mode_t OfDirectory(Content content) const;

 private:
  [[nodiscard]] std::optional<mode_t> Given(Content content) const;
  // r and x for all who have some right by frame_mode= or control_mode=: they need the files
  // around it, whatever umask= says.
  [[nodiscard]] mode_t Guests() const;
};

}  // namespace grabfs
