// SPDX-License-Identifier: Apache-2.0
//
// The terminal as a page that is drawn anew again and again, by ncurses. It is as it was before at
// the end of this object's life.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace grabfs::cli {

class Screen {
 public:
  // Throws Error(ENOTTY) when standard output is no terminal or none that can be drawn on.
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  [[nodiscard]] size_t width() const;
  [[nodiscard]] size_t height() const;
  // As many of the lines as there is room for.
  void Draw(const std::vector<std::string>& lines) const;

  enum class Key { kNone, kQuit, kResized, kUp, kDown };
  // Waits for one so long; kNone also after a signal.
  Key Wait(double seconds);
};

}  // namespace grabfs::cli
