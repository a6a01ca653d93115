// SPDX-License-Identifier: Apache-2.0
//
// Text laid out in lines of a certain width, with hints how to show its parts. Knows no terminal.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace grabfs::cli {

// How a part stands out, if the terminal can show that.
enum class Look {
  kPlain,
  kTitle,
  kGood,
  kAlarm,
  // Cells of a bar:
  kFrameCell,
  kHeldCell,
  kFilledCell,
};

struct Span {
  std::string text;  // UTF-8; Page makes it printable
  Look look = Look::kPlain;
};
using Line = std::vector<Span>;

// The columns that the text takes on a terminal.
size_t Columns(const std::string& text);
std::string TextOf(const Line& line);

class Page {
 public:
  explicit Page(size_t width) : width_(width) {}

  // Begins a line. Lines that go on because there was no room are indented by `indent`, too.
  void Begin(size_t indent = 0);
  // Puts a piece behind the others, or on a line of its own if there is no room. What does not fit
  // into a whole line is cut.
  void Add(Line piece);
  void Add(std::string text, Look look = Look::kPlain) { Add(Line{{std::move(text), look}}); }

  // The columns that are left for a piece without a new line.
  [[nodiscard]] size_t room() const;
  [[nodiscard]] const std::vector<Line>& lines() const { return lines_; }

 private:
  void Append(Span span);

  const size_t width_;
  size_t indent_ = 0;
  size_t used_ = 0;  // columns of the last line
  std::vector<Line> lines_;
};

}  // namespace grabfs::cli
