// SPDX-License-Identifier: Apache-2.0
//
// What the file system asks of the kernel: to invalidate what it has cached, and to report reads.
// Implemented by fusefs/fuse. Threads: any.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace grabfs {

class Kernel {
 public:
  struct Name {
    uint64_t parent;
    uint64_t child;  // inode number; 0: whatever file has this name
    std::string name;
  };

  virtual ~Kernel() = default;
  // The name is gone: has it invalidated soon, or as soon as no process has the directory open.
  virtual void InvalidateName(Name name) = 0;
  // The same for several names, if possible before it returns: it waits at most a second, and not
  // while a process has the directory open, because whoever holds the directory's lock in the
  // kernel may be waiting for the caller.
  virtual void InvalidateNames(std::vector<Name> names) = 0;
  // Size or times have changed: has them invalidated soon.
  virtual void InvalidateAttributes(uint64_t inode) = 0;
  // Has cached pages written back and discarded before it returns. May wait.
  virtual void InvalidatePages(uint64_t inode) = 0;
  // Has FileSystem::Housekeep() called soon.
  virtual void WakeHousekeeper() = 0;

  // --- Reports of reads, by FileSystem::OnAccess() and OnAccessLost(). A read(), sendfile() and
  // splice() look alike.

  struct Directory {
    uint32_t device;
    uint64_t inode;
    std::string path;  // below the mountpoint
  };
  // Has reads reported for the files in these directories, in place of the ones before. Does not
  // wait.
  virtual void WatchAccess(std::vector<Directory> directories) = 0;
  // Reports all reads that returned before this call. False: reads of this device are not reported.
  // Never waits.
  virtual bool CollectAccess(uint32_t device) = 0;

  // --- Announcements. Directory watchers see what programs do, so a process makes and unlinks the
  // names of frames for them, and sees them as its work needs it.

  enum class Announcement {
    kNone,  // nothing; to Announce(): forget the file, whose name a program has unlinked
    kMade,  // the process is making the name, so there is none yet
    kGone,  // the process is unlinking the name, so there still is one
  };
  // Has this done soon, in the order of the calls. `path`: below the mountpoint. Does not wait.
  virtual void Announce(uint64_t inode, std::string path, Announcement what) = 0;
  // What the caller of a request is announcing of this file; kNone for every other process.
  [[nodiscard]] virtual Announcement AnnouncementBy(pid_t process, uint64_t inode) const = 0;

  // Of the mount, as stat() shows it.
  [[nodiscard]] virtual dev_t device_number() const = 0;
};

}  // namespace grabfs
