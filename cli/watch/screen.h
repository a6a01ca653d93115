// SPDX-License-Identifier: Apache-2.0
//
// Draws full pages on the terminal, by ncurses. Colours are used where the terminal has them,
// unless NO_COLOR is set (no-color.org). The destructor restores the terminal.
#pragma once

#include <cstddef>
#include <vector>

#include "cli/watch/page.h"

namespace grabfs::cli {

class Screen {
 public:
  // Throws Error(ENOTTY) if standard output is no terminal, or one that cannot be drawn on.
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  [[nodiscard]] size_t width() const;
  [[nodiscard]] size_t height() const;
  // The terminal shows more characters than those of ASCII.
  [[nodiscard]] bool unicode() const { return unicode_; }
  // Draws as many of the lines as fit.
  void Draw(const std::vector<Line>& lines) const;

  enum class Key { kNone, kQuit, kResized, kUp, kDown };
  // Waits at most so long for a key; kNone: none came, or a signal came.
  Key Wait(double seconds);

 private:
  bool unicode_;
  bool colours_ = false;
};

}  // namespace grabfs::cli
