// SPDX-License-Identifier: Apache-2.0
//
// A row of small bars: how a number went.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace grabfs::cli {

// A character for each of the last `width` values, from 0 to the largest of them. `unicode`: block
// characters, else ASCII.
std::string Sparkline(const std::vector<double>& values, size_t width, bool unicode);

}  // namespace grabfs::cli
