// SPDX-License-Identifier: Apache-2.0
#include "cli/mount/alloc_path.h"

#include "cli/base/exit_code.h"

namespace grabfs::cli {
namespace {

constexpr const char* kDirectory = "alloc";

}  // namespace

std::string AllocName(const Mount& mount, const std::string& text) {
  std::filesystem::path path = std::filesystem::path(text).lexically_normal();
  if (path.is_absolute()) path = path.lexically_relative(mount.root().lexically_normal());
  if (!path.empty() && *path.begin() == kDirectory) path = path.lexically_relative(kDirectory);
  const auto parts = std::distance(path.begin(), path.end());
  if (text.empty() || parts < 1 || parts > 2 || *path.begin() == ".." || *path.begin() == "." ||
      !path.has_filename()) {
    throw UsageError("'" + text + "' is no name in " + AllocFile(mount, "").path().string() +
                     ": write NAME or DEVICE/NAME");
  }
  return path.string();
}

MountFile AllocFile(const Mount& mount, const std::string& name) {
  return {mount.root(), std::filesystem::path(kDirectory) / name};
}

}  // namespace grabfs::cli
