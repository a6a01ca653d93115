// SPDX-License-Identifier: Apache-2.0
#include "cli/watch/page.h"

#include <algorithm>
#include <utility>

#include "cli/base/text.h"

namespace grabfs::cli {
namespace {

constexpr size_t kGap = 2;  // columns between two pieces

bool BeginsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

// The part that takes so many columns.
std::string Cut(const std::string& text, size_t columns) {
  size_t end = 0;
  for (; end < text.size(); ++end) {
    if (BeginsCharacter(text[end]) && columns-- == 0) break;
  }
  return text.substr(0, end);
}

}  // namespace

size_t Columns(const std::string& text) {
  return static_cast<size_t>(std::ranges::count_if(text, BeginsCharacter));
}

std::string TextOf(const Line& line) {
  std::string text;
  for (const Span& span : line) text += span.text;
  return text;
}

void Page::Begin(size_t indent) {
  indent_ = indent;
  used_ = 0;
  lines_.emplace_back();
}

size_t Page::room() const {
  const size_t taken = used_ == 0 ? indent_ : used_ + kGap;
  return width_ - std::min(width_, taken);
}

void Page::Add(Line piece) {
  size_t columns = 0;
  for (Span& span : piece) {
    span.text = Printable(span.text);
    std::ranges::replace(span.text, '\n', ' ');
    std::ranges::replace(span.text, '\t', ' ');
    columns += Columns(span.text);
  }
  if (used_ > 0 && columns > room()) Begin(indent_);
  Append({std::string(used_ == 0 ? indent_ : kGap, ' ')});
  for (Span& span : piece) Append(std::move(span));
}

void Page::Append(Span span) {
  span.text = Cut(span.text, width_ - used_);
  if (span.text.empty()) return;
  used_ += Columns(span.text);
  lines_.back().push_back(std::move(span));
}

}  // namespace grabfs::cli
