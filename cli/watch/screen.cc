// SPDX-License-Identifier: Apache-2.0
#include "cli/watch/screen.h"

#include <ncurses.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdlib>

#include "fusefs/base/error.h"

namespace grabfs::cli {

Screen::Screen() {
  const char* const terminal = std::getenv("TERM");
  if (::isatty(STDOUT_FILENO) == 0 || terminal == nullptr) {
    throw Error(ENOTTY, "standard output is no terminal: try --once or --json");
  }
  std::setlocale(LC_CTYPE, "");
  // initscr() would end the program where this one fails.
  if (newterm(nullptr, stdout, stdin) == nullptr) {
    throw Error(ENOTTY, std::string("cannot draw on a terminal of type ") + terminal +
                            ": try --once or --json");
  }
  noecho();
  cbreak();
  curs_set(0);
  keypad(stdscr, TRUE);
}

Screen::~Screen() { endwin(); }

size_t Screen::width() const { return static_cast<size_t>(getmaxx(stdscr)); }

size_t Screen::height() const { return static_cast<size_t>(getmaxy(stdscr)); }

void Screen::Draw(const std::vector<std::string>& lines) const {
  erase();
  for (size_t row = 0; row < lines.size() && row < height(); ++row) {
    mvaddnstr(static_cast<int>(row), 0, lines[row].c_str(), getmaxx(stdscr));
  }
  refresh();
}

Screen::Key Screen::Wait(double seconds) {
  timeout(static_cast<int>(seconds * 1000));
  switch (getch()) {
    case 'q':
      return Key::kQuit;
    case KEY_RESIZE:
      return Key::kResized;
    case KEY_UP:
    case 'k':
      return Key::kUp;
    case KEY_DOWN:
    case 'j':
      return Key::kDown;
    default:
      return Key::kNone;
  }
}

}  // namespace grabfs::cli
