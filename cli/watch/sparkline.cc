// SPDX-License-Identifier: Apache-2.0
#include "cli/watch/sparkline.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace grabfs::cli {
namespace {

using Bars = std::array<std::string_view, 9>;  // nothing, and eight heights
constexpr Bars kBlocks = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr Bars kAscii = {" ", "_", ".", ",", "-", "~", "+", "*", "#"};

}  // namespace

std::string Sparkline(const std::vector<double>& values, size_t width, bool unicode) {
  const Bars& bars = unicode ? kBlocks : kAscii;
  const size_t first = values.size() - std::min(values.size(), width);
  double largest = 0;
  for (size_t i = first; i < values.size(); ++i) largest = std::max(largest, values[i]);
  std::string line;
  for (size_t i = first; i < values.size(); ++i) {
    // A small rate is not shown as none.
    const double height = largest > 0 ? std::ceil(values[i] / largest * (bars.size() - 1)) : 0;
    line += bars[static_cast<size_t>(height)];
  }
  return line;
}

}  // namespace grabfs::cli
