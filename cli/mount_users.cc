// SPDX-License-Identifier: Apache-2.0
#include "cli/mount_users.h"

#include <sys/sysmacros.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <sstream>
#include <system_error>

#include "cli/file.h"
#include "cli/text.h"
#include "fusefs/base/error.h"

namespace grabfs::cli {
namespace {

namespace fs = std::filesystem;

// The part of `path` below the mount point; nullopt when it lies elsewhere.
std::optional<std::string> Below(const std::string& mountpoint, const std::string& path) {
  if (path == mountpoint) return ".";
  if (!path.starts_with(mountpoint + "/")) return std::nullopt;
  return path.substr(mountpoint.size() + 1);
}

std::optional<std::string> LinkBelow(const std::string& mountpoint, const fs::path& link) {
  std::error_code unreadable;
  const std::string target = fs::read_symlink(link, unreadable).string();
  return unreadable ? std::nullopt : Below(mountpoint, target);
}

std::optional<std::string> OpenFile(const fs::path& process, const std::string& mountpoint) {
  std::error_code unreadable;
  for (fs::directory_iterator fd(process / "fd", unreadable), end; !unreadable && fd != end;
       fd.increment(unreadable)) {
    if (const auto file = LinkBelow(mountpoint, fd->path())) return file;
  }
  return std::nullopt;
}

// A line of maps: START-END PERMISSIONS OFFSET MAJOR:MINOR INODE PATH. The device tells files of
// the mount apart even where the path is another one (a bind mount, another mount namespace).
std::optional<std::string> MappedBy(const std::string& line, const MountInfo& mount) {
  std::istringstream fields(line);
  std::string range, permissions, offset, device, inode, path;
  fields >> range >> permissions >> offset >> device >> inode;
  std::getline(fields >> std::ws, path);
  unsigned major = 0;
  unsigned minor = 0;
  if (std::sscanf(device.c_str(), "%x:%x", &major, &minor) != 2) return std::nullopt;
  if (const auto file = Below(mount.mountpoint, path)) return file;
  if (inode == "0" || makedev(major, minor) != mount.device) return std::nullopt;
  return path;
}

std::optional<std::string> MappedFile(const fs::path& process, const MountInfo& mount) {
  try {
    std::istringstream lines(ReadFile(process / "maps"));
    for (std::string line; std::getline(lines, line);) {
      if (const auto file = MappedBy(line, mount)) return file;
    }
  } catch (const Error&) {
    // The process has ended, or belongs to somebody else.
  }
  return std::nullopt;
}

std::optional<std::string> UseOf(const fs::path& process, const MountInfo& mount) {
  if (const auto file = OpenFile(process, mount.mountpoint)) return "has " + *file + " open";
  if (const auto file = MappedFile(process, mount)) return "maps " + *file;
  if (const auto directory = LinkBelow(mount.mountpoint, process / "cwd")) {
    return "works in " + *directory;
  }
  if (LinkBelow(mount.mountpoint, process / "root")) return "has its root in it";
  return std::nullopt;
}

std::string CommandOf(const fs::path& process) {
  try {
    return Trim(ReadFile(process / "comm"));
  } catch (const Error&) {
    return "?";
  }
}

}  // namespace

std::vector<MountUser> FindMountUsers(const SystemPaths& system, const MountInfo& mount) {
  std::vector<MountUser> users;
  std::error_code unreadable;
  for (fs::directory_iterator entry(system.proc, unreadable), end; !unreadable && entry != end;
       entry.increment(unreadable)) {
    const auto pid = ParseCount(entry->path().filename().string());
    if (!pid) continue;
    if (const auto use = UseOf(entry->path(), mount)) {
      users.push_back({static_cast<int>(*pid), CommandOf(entry->path()), *use});
    }
  }
  return users;
}

}  // namespace grabfs::cli
