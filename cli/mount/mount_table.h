// SPDX-License-Identifier: Apache-2.0
//
// Finds the mounts of grabfs and asks them how they are. Mounts that were only found may be other
// users', whose daemons may stand still or write anything: nobody waits for them.
#pragma once

#include <sys/types.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/base/context.h"
#include "cli/base/deadline.h"
#include "cli/base/timely_work.h"
#include "cli/mount/status.h"
#include "fusefs/base/mount_info.h"

namespace grabfs::cli {

// The mounts of type fuse.grabfs, in their order. Of several on one mount point only the last,
// which covers the others. Not those that show a part (mount --bind MOUNT/cam0 DIR).
std::vector<MountInfo> OnlyGrabfs(std::vector<MountInfo> mounts);

// The same, of the mounts of this process.
std::vector<MountInfo> GrabfsMounts(const SystemPaths& system);

// The user who mounted it, by the kernel's word; nullopt: it is not told.
std::optional<uid_t> MountedBy(const MountInfo& mount);
// Root's mounts and `user`'s own come before those of others, who may give their devices any names.
bool IsTrusted(const MountInfo& mount, uid_t user);

enum class MountHealth {
  kAlive,
  kStale,   // its daemon is gone: every access gives ENOTCONN
  kClosed,  // of another user, mounted without allow_other
  kSilent,  // its daemon does not answer
  kBroken,  // what it answers is no status
};

struct ExaminedMount {
  MountInfo mount;
  MountHealth health = MountHealth::kAlive;
  std::string problem = {};  // in words; empty when it is alive
  // Of a living one:
  nlohmann::json status_json = {};
  MountStatus status = {};
};

// Reads the status.json of mounts, of all at once, and of each in a process of its own.
class MountExaminer {
 public:
  // In the order of `mounts`. Returns when all have answered, or after `seconds`; one that did not
  // answer the last time is not waited for again. Throws Error if a process cannot be made.
  std::vector<ExaminedMount> Examine(const std::vector<MountInfo>& mounts, double seconds = 3);

 private:
  ExaminedMount AnswerOf(const MountInfo& mount, const Deadline& deadline);

  std::map<std::string, TimelyWork> reading_;  // by mount point
  std::map<std::string, TimelyWork> silent_;   // those of earlier calls
};

// One mount.
ExaminedMount ExamineMount(const MountInfo& mount);

// One that the user named: he waits for it as for any file. Throws as Mount::Status() does.
ExaminedMount AskNamedMount(const std::string& root);

}  // namespace grabfs::cli
