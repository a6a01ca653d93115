// SPDX-License-Identifier: Apache-2.0
//
// Which processes keep a mount busy, found in /proc. Nothing here touches the mount itself: its
// daemon may be dead or stuck.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/context.h"
#include "cli/mount_table.h"

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

// One entry for each process that has any; those that this user may not look into are missing.
std::vector<FileUser> FindFileUsers(const SystemPaths& system, const MountInfo& mount);
// The same user of the files below `directory` alone, relative to it; nullopt: it has none there.
std::optional<FileUser> WithinDirectory(const FileUser& user, const std::string& directory);

// One entry for each process; those that this user may not look into are missing.
std::vector<MountUser> FindMountUsers(const SystemPaths& system, const MountInfo& mount);

}  // namespace grabfs::cli
