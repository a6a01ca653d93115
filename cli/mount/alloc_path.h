// SPDX-License-Identifier: Apache-2.0
//
// Parses names of files in alloc/ as people write them.
#pragma once

#include <filesystem>
#include <string>

#include "cli/base/file.h"
#include "cli/mount/mount.h"

namespace grabfs::cli {

// `text`: "mine", "alloc/mine", "alloc/cam0/mine" or a path below the mount. Returns the part after
// alloc/. Throws UsageError if it cannot be such a name.
std::string AllocName(const Mount& mount, const std::string& text);
// The file of that name.
MountFile AllocFile(const Mount& mount, const std::string& name);

}  // namespace grabfs::cli
