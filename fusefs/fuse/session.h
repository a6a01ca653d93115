// SPDX-License-Identifier: Apache-2.0
//
// One mount, from mount(2) to the last reply. Owns libfuse's session and the threads around it.
// Threads: the main thread; Kernel's functions: any.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "fusefs/base/mount_watch.h"
#include "fusefs/base/mutex.h"
#include "fusefs/base/signal_watch.h"
#include "fusefs/base/task_thread.h"
#include "fusefs/fuse/access_watch.h"
#include "fusefs/fuse/announcer.h"
#include "fusefs/fuse/name_invalidator.h"
#include "fusefs/fuse/operations.h"
#include "fusefs/fuse/passthrough.h"
#include "fusefs/fuse/pending.h"
#include "fusefs/fuse/sentinel.h"
#include "fusefs/fuse/workers.h"
#include "fusefs/vfs/file_system.h"

struct fuse_session;

namespace grabfs {

class Session : private Kernel {
 public:
  struct Options {
    std::string mountpoint;     // absolute
    std::string mount_options;  // for libfuse and mount(2), comma-separated
    bool passthrough = true;
    bool handles = false;  // file handles, with passthrough too
  };

  // Mounts. Construct it in the main thread, before other threads start. Throws Error with the
  // message of libfuse or fusermount3. Requests are served by Run() only.
  Session(Options options, FileSystem* file_system);
  // Unmounts, lazily where the mount is busy, and stops all devices.
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Serves until the mount is unmounted or SIGTERM, SIGINT or SIGHUP arrives. Another thread calls
  // `on_ready` once the mount answers, with the data path and the reason for it. Throws Error.
  void Run(const std::function<void(const DataPath& path)>& on_ready);

 private:
  // Kernel
  void InvalidateName(Name name) override;
  void InvalidateNames(std::vector<Name> names) override;
  void InvalidateAttributes(uint64_t inode) override;
  void InvalidatePages(uint64_t inode) override;
  void WakeHousekeeper() override;
  void WatchAccess(std::vector<Directory> directories) override;
  bool CollectAccess(uint32_t device) override { return access_watch_->Collect(device); }
  void Announce(uint64_t inode, std::string path, Announcement what) override {
    announcer_->Announce(inode, std::move(path), what);
  }
  [[nodiscard]] Announcement AnnouncementBy(pid_t process, uint64_t inode) const override {
    return announcer_->AnnouncementBy(process, inode);
  }
  [[nodiscard]] dev_t device_number() const override { return device_number_; }

  void OnInit();
  void OnFirstRequest();
  void OnUnmountedHere(const MountWatch& watch);
  void SendAttributeInvalidation(uint64_t inode);
  void End(int signal);
  void EndDevices();

  struct Destroy {
    void operator()(fuse_session* session) const;
  };

  const Options options_;
  FileSystem* const file_system_;
  SignalWatch signals_;    // before anything that starts threads
  TaskThread tasks_;       // housekeeping, and tasks that may wait for requests to be served
  TaskThread interrupts_;  // gives up interrupted waits; never waits itself
  PendingRequests pending_{&interrupts_};
  Operations operations_;
  std::unique_ptr<fuse_session, Destroy> session_;
  std::unique_ptr<Sentinel> sentinel_;
  std::unique_ptr<NameInvalidator> names_;
  std::unique_ptr<MountWatch> mount_watch_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<Passthrough> passthrough_;
  std::unique_ptr<AccessWatch> access_watch_;
  std::unique_ptr<Announcer> announcer_;
  std::function<void(const DataPath& path)> on_ready_;
  SlowMutex ending_;  // held by EndDevices(); taken before all other locks
  dev_t device_number_ = 0;
};

}  // namespace grabfs
