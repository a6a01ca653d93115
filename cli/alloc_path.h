// SPDX-License-Identifier: Apache-2.0
//
// Names of files in the alloc/ of a mount, as people write them.
#pragma once

#include <filesystem>
#include <string>

#include "cli/mount.h"

namespace grabfs::cli {

// "mine", "alloc/mine", "alloc/cam0/mine" or the whole path below the mount: always the part after
// alloc/. Throws UsageError for what can be no such name.
std::string AllocName(const Mount& mount, const std::string& text);
// The path of the file of that name.
std::filesystem::path AllocPath(const Mount& mount, const std::string& name);

}  // namespace grabfs::cli
