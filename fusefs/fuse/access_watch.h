// SPDX-License-Identifier: Apache-2.0
//
// Reports which files of the mount were read: fanotify, with marks on their directories. The kernel
// queues an event before read(), sendfile() or splice() returns, hence before the RELEASE of the
// file. Opening a file, mapping it and touching a mapping cause no event. An event carries the file
// handle, which for FUSE contains the inode number: so it identifies the frame, whatever name was
// opened.
//
// fanotify_mark(2) takes a path, whose lookup is a request to the daemon itself. A child process
// sets the marks: a daemon that is killed while it waits for itself could never exit.
//
// Not reported: reads through files that the kernel opened for itself (O_NOATIME shows that), and
// reads through another filesystem stacked on the mount. There is none of those: with
// max_backing_stack_depth = 1 the kernel stacks nothing on it.
//
// Threads: any. The listener is called with the mutex held, one event after the other.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "fusefs/base/mutex.h"
#include "fusefs/base/unique_fd.h"
#include "fusefs/vfs/file_system.h"

namespace grabfs {

class AccessWatch {
 public:
  using Directory = Kernel::Directory;
  // Neither may wait.
  struct Listener {
    std::function<void(uint64_t inode)> on_access;  // the file was read
    std::function<void()> on_lost;                  // events were lost: any file may have been read
  };

  // `device`: st_dev of the mount. Throws Error.
  AccessWatch(std::string mountpoint, dev_t device, Listener listener);
  ~AccessWatch() { Stop(); }
  AccessWatch(const AccessWatch&) = delete;
  AccessWatch& operator=(const AccessWatch&) = delete;

  // Ends the thread and the child process. Collect() still works with the marks there are.
  void Stop();
  // Has the thread mark these directories in place of the marked ones. Does not wait.
  void Watch(std::vector<Directory> directories);
  // Waits, at most for `patience`, until that is done: while the child process looks up paths in
  // the mount, umount(8) would find it busy.
  void AwaitMarks(std::chrono::milliseconds patience);
  // Reports all reads that returned before this call. False: files of this device are not marked.
  // Never waits.
  bool Collect(uint32_t device);

 private:
  void Run();
  void Rebuild(const std::vector<Directory>& directories);
  bool Mark(int group, const std::vector<Directory>& directories);
  void Drain();  // expects mutex_ to be held

  const std::string mountpoint_;
  const dev_t device_;
  const Listener listener_;
  const UniqueFd changed_;  // eventfd, for the thread

  Mutex mutex_;  // guards all below; before those of the file system (through the listener)
  UniqueFd group_;
  std::set<uint32_t> watched_;  // devices
  Condition marks_changed_;
  bool marks_current_ = true;  // the wanted directories are marked, as far as that was possible
  std::vector<Directory> wanted_;
  bool wanted_changed_ = false;
  bool stop_ = false;
  pid_t child_ = -1;  // not reaped yet
  std::thread thread_;
};

}  // namespace grabfs
