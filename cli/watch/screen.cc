// SPDX-License-Identifier: Apache-2.0
#include "cli/watch/screen.h"

#include <langinfo.h>
#include <ncurses.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fusefs/base/error.h"

namespace grabfs::cli {

namespace {

// Numbers of colour pairs, one for each look that has a colour.
enum Pair : short { kNone, kGreen, kRed, kGreenBar, kYellowBar, kCyanBar };

void DefineColours() {
  start_color();
  use_default_colors();
  init_pair(kGreen, COLOR_GREEN, -1);
  init_pair(kRed, COLOR_RED, -1);
  init_pair(kGreenBar, COLOR_BLACK, COLOR_GREEN);
  init_pair(kYellowBar, COLOR_BLACK, COLOR_YELLOW);
  init_pair(kCyanBar, COLOR_BLACK, COLOR_CYAN);
}

attr_t AttributesOf(Look look, bool colours) {
  const auto colour = [colours](Pair pair) { return colours ? COLOR_PAIR(pair) : A_NORMAL; };
  switch (look) {
    case Look::kPlain:
      return A_NORMAL;
    case Look::kTitle:
      return A_BOLD;
    case Look::kGood:
      return colour(kGreen);
    case Look::kAlarm:
      return A_BOLD | A_REVERSE | colour(kRed);
    case Look::kFrameCell:
      return colour(kGreenBar);
    case Look::kHeldCell:
      return colour(kYellowBar);
    case Look::kFilledCell:
      return colour(kCyanBar);
  }
  return A_NORMAL;
}

}  // namespace

Screen::Screen() {
  const char* const terminal = std::getenv("TERM");
  if (::isatty(STDOUT_FILENO) == 0 || terminal == nullptr) {
    throw Error(ENOTTY, "standard output is no terminal: try --once or --json");
  }
  std::setlocale(LC_CTYPE, "");
  unicode_ = std::string_view(nl_langinfo(CODESET)) == "UTF-8";
  // initscr() would end the program where this one fails.
  SCREEN* const screen = newterm(nullptr, stdout, stdin);
  if (screen == nullptr || tigetstr("cup") == nullptr) {  // it cannot move its cursor
    if (screen != nullptr) endwin();
    throw Error(ENOTTY, std::string("cannot draw on a terminal of type ") + terminal +
                            ": try --once or --json");
  }
  const char* const no_colour = std::getenv("NO_COLOR");
  colours_ = has_colors() && (no_colour == nullptr || *no_colour == '\0');
  if (colours_) DefineColours();
  noecho();
  cbreak();
  curs_set(0);
  keypad(stdscr, TRUE);
}

Screen::~Screen() { endwin(); }

size_t Screen::width() const { return static_cast<size_t>(getmaxx(stdscr)); }

size_t Screen::height() const { return static_cast<size_t>(getmaxy(stdscr)); }

void Screen::Draw(const std::vector<Line>& lines) const {
  erase();
  for (size_t row = 0; row < lines.size() && row < height(); ++row) {
    move(static_cast<int>(row), 0);
    for (const Span& span : lines[row]) {
      attrset(static_cast<int>(AttributesOf(span.look, colours_)));
      addstr(span.text.c_str());
    }
  }
  attrset(A_NORMAL);
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
