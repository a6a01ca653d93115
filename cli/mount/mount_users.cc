// SPDX-License-Identifier: Apache-2.0
#include "cli/mount/mount_users.h"

#include <sys/sysmacros.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>

#include "cli/base/file.h"
#include "cli/base/text.h"
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

constexpr std::string_view kLive = ".live/";

std::optional<std::string> LinkBelow(const std::string& mountpoint, const fs::path& link) {
  std::error_code unreadable;
  const std::string target = fs::read_symlink(link, unreadable).string();
  return unreadable ? std::nullopt : Below(mountpoint, target);
}

std::vector<std::string> OpenFiles(const fs::path& process, const std::string& mountpoint) {
  std::vector<std::string> files;
  std::error_code unreadable;
  for (fs::directory_iterator fd(process / "fd", unreadable), end; !unreadable && fd != end;
       fd.increment(unreadable)) {
    if (auto file = LinkBelow(mountpoint, fd->path())) files.push_back(std::move(*file));
  }
  return files;
}

// A line of maps: START-END PERMISSIONS OFFSET MAJOR:MINOR INODE PATH. The device number identifies
// files of the mount, also if the path differs (a bind mount, another mount namespace).
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

std::vector<std::string> MappedFiles(const fs::path& process, const MountInfo& mount) {
  std::vector<std::string> files;
  try {
    std::istringstream lines(ReadFile(process / "maps"));
    for (std::string line; std::getline(lines, line);) {
      if (auto file = MappedBy(line, mount)) files.push_back(std::move(*file));
    }
  } catch (const Error&) {
    return {};  // the process has ended, or belongs to somebody else
  }
  return files;
}

std::optional<std::string> UseOf(const fs::path& process, const MountInfo& mount) {
  const auto open = OpenFiles(process, mount.mountpoint);
  if (!open.empty()) return "has " + open.front() + " open";
  const auto mapped = MappedFiles(process, mount);
  if (!mapped.empty()) return "maps " + mapped.front();
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

// The process directories of /proc, with their numbers.
template <typename Visit>
void ForEachProcess(const SystemPaths& system, Visit visit) {
  std::error_code unreadable;
  for (fs::directory_iterator entry(system.proc, unreadable), end; !unreadable && entry != end;
       entry.increment(unreadable)) {
    const auto pid = ParseCount(entry->path().filename().string());
    if (pid) visit(entry->path(), static_cast<int>(*pid));
  }
}

}  // namespace

std::vector<FileUser> FindFileUsers(const SystemPaths& system, const MountInfo& mount) {
  std::vector<FileUser> users;
  ForEachProcess(system, [&](const fs::path& process, int pid) {
    std::set<std::string> files;
    for (auto& file : OpenFiles(process, mount.mountpoint)) files.insert(std::move(file));
    for (auto& file : MappedFiles(process, mount)) files.insert(std::move(file));
    if (files.empty()) return;
    users.push_back({pid, CommandOf(process), {files.begin(), files.end()}});
  });
  return users;
}

std::optional<FileUser> WithinDirectory(const FileUser& user, const std::string& directory) {
  FileUser within = {user.pid, user.command, {}};
  for (const std::string& file : user.files) {
    auto below = Below(directory, file);
    if (!below) continue;
    // A link in the directory has the same name.
    if (below->starts_with(kLive)) below->erase(0, kLive.size());
    within.files.push_back(std::move(*below));
  }
  return within.files.empty() ? std::nullopt : std::optional(within);
}

std::vector<MountUser> FindMountUsers(const SystemPaths& system, const MountInfo& mount) {
  std::vector<MountUser> users;
  ForEachProcess(system, [&](const fs::path& process, int pid) {
    if (const auto use = UseOf(process, mount)) users.push_back({pid, CommandOf(process), *use});
  });
  return users;
}

}  // namespace grabfs::cli
