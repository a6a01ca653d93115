// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli umount: takes a mount away, living or stale, or says who keeps it busy.
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>
#include <thread>

#include "cli/base/process.h"
#include "cli/base/text.h"
#include "cli/command/verb.h"
#include "cli/mount/mount_table.h"
#include "cli/mount/mount_users.h"

namespace grabfs::cli {
namespace {

// A daemon ends as soon as its mount is gone; this is for a machine under load.
constexpr double kDaemonSeconds = 5;

// Of a mount that is busy while nobody is seen to use it.
constexpr int kTries = 10;
constexpr std::chrono::milliseconds kPause{50};

// Absolute and without symbolic links, as the kernel's table has it. The last component is left
// alone: on a mount point whose daemon is gone, or stands still, nothing can be looked up.
std::string InRealParent(const std::string& mountpoint) {
  std::filesystem::path path = std::filesystem::absolute(mountpoint).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  std::error_code ignored;
  const std::filesystem::path parent = std::filesystem::canonical(path.parent_path(), ignored);
  return (ignored ? path : parent / path.filename()).string();
}

// The same of a path that may be a symbolic link itself.
std::string Real(const std::string& mountpoint) {
  std::error_code ignored;
  return std::filesystem::canonical(mountpoint, ignored).string();
}

std::string Describe(const std::vector<MountUser>& users) {
  std::vector<std::string> texts;
  for (const MountUser& user : users) {
    texts.push_back(user.command + " (process " + std::to_string(user.pid) + ") " + user.use);
  }
  return Join(texts, ", ");
}

class UmountVerb : public Verb {
 public:
  void Declare(Options& options) override {
    options.Argument("MOUNTPOINT", mountpoint_, "May be left out when there is only one");
    options.Flag("--lazy", lazy_, "Take it out of the tree now, the rest when nobody uses it");
    options.Flag("--stale", stale_, "Every mount whose daemon is gone");
    options.Flag("--json", json_, "An array of the mount points that were taken away");
  }

  ExitCode Run(Context& context) override {
    if (stale_ && !mountpoint_.empty()) {
      throw UsageError("umount: --stale finds mount points by itself");
    }
    nlohmann::json done = nlohmann::json::array();
    for (const MountInfo& mount : stale_ ? FindStale(context) : FindOne(context)) {
      Unmount(context, mount);
      done.push_back(mount.mountpoint);
    }
    if (json_) context.out << done.dump() << '\n';
    return ExitCode::kDone;
  }

 private:
  static std::vector<MountInfo> FindStale(const Context& context) {
    std::vector<MountInfo> stale;
    for (const ExaminedMount& mount : MountExaminer().Examine(GrabfsMounts(context.system))) {
      if (mount.health == MountHealth::kStale) stale.push_back(mount.mount);
    }
    return stale;
  }

  [[nodiscard]] std::vector<MountInfo> FindOne(const Context& context) const {
    const std::vector<MountInfo> mounts = GrabfsMounts(context.system);
    if (mountpoint_.empty()) {
      if (mounts.empty()) throw NoDeviceError("no grabfs is mounted");
      if (mounts.size() > 1) throw UsageError("umount: several grabfs are mounted: name one");
      return mounts;
    }
    auto found = std::ranges::find(mounts, InRealParent(mountpoint_), &MountInfo::mountpoint);
    if (found == mounts.end()) {
      found = std::ranges::find(mounts, Real(mountpoint_), &MountInfo::mountpoint);
    }
    if (found == mounts.end()) throw NoDeviceError(mountpoint_ + ": no grabfs is mounted there");
    return {*found};
  }

  // The daemon that serves the mount; invalid when it is gone, or does not answer.
  static UniqueFd FindDaemon(const MountInfo& mount) {
    const ExaminedMount examined = ExamineMount(mount);
    return examined.health == MountHealth::kAlive ? WatchProcess(examined.status.pid) : UniqueFd();
  }

  // Returns when the daemon has ended too, so that its devices are free for the next mount.
  void Unmount(const Context& context, const MountInfo& mount) const {
    const UniqueFd daemon = FindDaemon(mount);
    Detach(context, mount);
    if (lazy_ || !daemon.valid() || AwaitEnd(daemon, Deadline::After(kDaemonSeconds))) return;
    context.Remark(mount.mountpoint +
                   ": unmounted here, but its daemon goes on: another mount namespace may have a "
                   "copy, or somebody a file open");
  }

  void Detach(const Context& context, const MountInfo& mount) const {
    // Asked beforehand too: fusermount3 does not hand errno values on.
    std::vector<MountUser> users = FindMountUsers(context.system, mount);
    int code = ::geteuid() == 0 ? AsRoot(mount) : AsUser(context, mount);
    // A device with announce=1 makes files in its own mount, each for a moment.
    for (int tries = 1; code != 0 && users.empty() && tries < kTries; ++tries) {
      std::this_thread::sleep_for(kPause);
      users = FindMountUsers(context.system, mount);
      code = ::geteuid() == 0 ? AsRoot(mount) : AsUser(context, mount);
    }
    if (code == 0) return;
    if (code == EBUSY || !users.empty()) {
      const std::string who = users.empty() ? "a process of another user" : Describe(users);
      throw Error(
          EBUSY, mount.mountpoint + ": busy: " + who + "; end that, or 'grabfs-cli umount --lazy'");
    }
    throw Error(code, mount.mountpoint + ": cannot be unmounted: " + ErrnoText(code));
  }

  // Both return 0 or an errno value.
  [[nodiscard]] int AsRoot(const MountInfo& mount) const {
    const int flags = UMOUNT_NOFOLLOW | (lazy_ ? MNT_DETACH : 0);
    return ::umount2(mount.mountpoint.c_str(), flags) == 0 ? 0 : errno;
  }

  [[nodiscard]] int AsUser(const Context& context, const MountInfo& mount) const {
    const auto fusermount = FindProgram(context, "fusermount3");
    if (!fusermount) throw Error(ENOENT, "umount: fusermount3 is missing; install fuse3");
    std::vector<std::string> args = {"-u", "-q", "--", mount.mountpoint};
    if (lazy_) args.insert(args.begin(), "-z");
    args.insert(args.begin(), fusermount->string());
    return Child(std::move(args)).Await() == 0 ? 0 : EPERM;
  }

  std::string mountpoint_;
  bool lazy_ = false;
  bool stale_ = false;
  bool json_ = false;
};

}  // namespace

extern const VerbEntry kUmountVerb;
const VerbEntry kUmountVerb = {
    "umount",
    "Unmount grabfs and let its daemon end, or say who keeps it busy",
    "grabfs-cli umount\n"
    "grabfs-cli umount /mnt/grabfs --lazy\n"
    "grabfs-cli umount --stale",
    &MakeVerb<UmountVerb>,
};

}  // namespace grabfs::cli
