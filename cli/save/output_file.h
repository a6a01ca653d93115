// SPDX-License-Identifier: Apache-2.0
//
// Writes files that appear under their names complete or not at all.
#pragma once

#include <span>
#include <string>

#include "fusefs/picture/image.h"

namespace grabfs::cli {

// Writes a new file beside `path` and renames it to `path` in one step, with the owner and mode of
// the file that was there. If `path` is a device or a pipe, or a file whose owner the new one
// cannot have, writes to it instead. On Error a regular file that was replaced is unchanged.
void ReplaceFile(const std::string& path, std::span<const uint8_t> contents);

}  // namespace grabfs::cli
