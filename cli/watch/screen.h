// SPDX-License-Identifier: Apache-2.0
//
// Draws full pages on the terminal, by ncurses. The destructor restores the terminal.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace grabfs::cli {

class Screen {
 public:
  // Throws Error(ENOTTY) if standard output is no terminal, or a terminal that ncurses does not
  // know.
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  [[nodiscard]] size_t width() const;
  [[nodiscard]] size_t height() const;
  // Draws as many of the lines as fit.
  void Draw(const std::vector<std::string>& lines) const;

  enum class Key { kNone, kQuit, kResized, kUp, kDown };
  // Waits at most so long for a key; kNone: none came, or a signal came.
  Key Wait(double seconds);
};

}  // namespace grabfs::cli
