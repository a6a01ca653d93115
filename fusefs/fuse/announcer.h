// SPDX-License-Identifier: Apache-2.0
//
// Has directory watchers (inotify, systemd .path) see frames come and go. The kernel reports what
// programs do through the mount, so a program has to do it: a process of the daemon opens the name
// of each new frame with O_CREAT, closes it, and unlinks it when the frame has gone. The daemon
// tells that process, and only that process, that the name does not exist yet, or still exists.
//
// It is a process of its own, because a daemon that is killed while it waits for itself could never
// exit. It has no descriptor of the mount or of /dev/fuse, ends with the daemon, and nothing waits
// for it: where it cannot keep up, a frame that has gone before its turn is not announced at all.
//
// Threads: any.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "fusefs/base/mutex.h"
#include "fusefs/base/unique_fd.h"
#include "fusefs/vfs/kernel.h"

namespace grabfs {

class Announcer {
 public:
  using What = Kernel::Announcement;

  // `device`: st_dev of the mount.
  Announcer(std::string mountpoint, dev_t device);
  ~Announcer() { Stop(); }
  Announcer(const Announcer&) = delete;
  Announcer& operator=(const Announcer&) = delete;

  // Ends the process and the thread; nothing is announced any more. Requests must still be served
  // meanwhile, or the connection must have ended.
  void Stop();
  // See Kernel.
  void Announce(uint64_t inode, std::string path, What what);
  [[nodiscard]] What AnnouncementBy(pid_t process, uint64_t inode) const;

  // True: this process was started to be the announcer's. Then main() returns Main(). To be called
  // first in main().
  static bool IsAnnouncer(int argc, char** argv);
  static int Main(char** argv);

 private:
  struct Job {
    uint64_t inode;
    std::string path;  // below the mountpoint
    What what;
  };

  void Run();
  std::optional<Job> Next();
  bool Ended(const Job& job, int code);
  // Has the process do it. Returns the errno of that, or 0.
  int Carry(const Job& job);
  void StartProcess();
  void EndProcess();

  const std::string mountpoint_;
  const dev_t device_;

  mutable Mutex mutex_;  // guards all below; leaf
  Condition changed_;
  std::deque<Job> queue_;
  std::optional<Job> current_;  // the process is doing this
  std::set<uint64_t> known_;    // inodes whose names were made, and not unlinked yet
  bool stop_ = false;
  std::thread thread_;
  std::atomic<pid_t> process_ = 0;  // 0: none; written by the thread, with the mutex held

  UniqueFd socket_;     // to the process; used by the thread only
  int complained_ = 0;  // errno of the last failure that was logged; used by the thread only
};

}  // namespace grabfs
