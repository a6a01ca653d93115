// SPDX-License-Identifier: Apache-2.0
//
// Finds the processes that keep a mount busy, in /proc. Nothing here accesses the mount itself,
// because its daemon may be dead or hang.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/base/context.h"
#include "cli/mount/mount_table.h"

namespace grabfs::cli {

struct MountUser {
  int pid = 0;
  std::string command;  // as in /proc/PID/comm
  std::string use;      // "has sim0/latest.raw open", "maps ...", "works in ..."
};

// A process and the files of a mount that it has open or mapped, each once, relative to the mount.
struct FileUser {
  int pid = 0;
  std::string command;
  std::vector<std::string> files;
};

// One entry for each process that has such files, without the processes that this user may not
// inspect.
std::vector<FileUser> FindFileUsers(const SystemPaths& system, const MountInfo& mount);
// Reduces a user to the files below `directory`, relative to it; nullopt: there are none.
std::optional<FileUser> WithinDirectory(const FileUser& user, const std::string& directory);

// One entry for each process, without the processes that this user may not inspect.
std::vector<MountUser> FindMountUsers(const SystemPaths& system, const MountInfo& mount);

}  // namespace grabfs::cli
