// SPDX-License-Identifier: Apache-2.0
//
// Files that appear under their name complete or not at all.
#pragma once

#include <span>
#include <string>

#include "fusefs/picture/image.h"

namespace grabfs::cli {

// Writes a new file beside `path` and puts it in the place of whatever regular file is there, in
// one step. A device or pipe under that name is written to instead. Throws Error; then `path` is
// as it was.
void ReplaceFile(const std::string& path, std::span<const uint8_t> contents);

}  // namespace grabfs::cli
