// SPDX-License-Identifier: Apache-2.0
//
// Which processes keep a mount busy, found in /proc. Nothing here touches the mount itself: its
// daemon may be dead or stuck.
#pragma once

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

// One entry for each process; those that this user may not look into are missing.
std::vector<MountUser> FindMountUsers(const SystemPaths& system, const MountInfo& mount);

}  // namespace grabfs::cli
