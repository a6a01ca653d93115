// SPDX-License-Identifier: Apache-2.0
//
// One mount: from mount(2) to the last reply. Owns libfuse's session and the thread that talks to
// the kernel's caches.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "fusefs/base/signal_watch.h"
#include "fusefs/base/task_thread.h"
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
  };

  // Mounts. To be constructed by the main thread, before there are others. Throws Error with what
  // libfuse or fusermount3 said. Frames can be served only by Run().
  Session(Options options, FileSystem* file_system);
  // Unmounts, lazily where the mount is busy, and stops all devices.
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Serves until the mount is unmounted or SIGTERM, SIGINT or SIGHUP comes. `on_ready` is called,
  // by another thread, once the mount answers; with the reason when that fails. Throws Error.
  void Run(const std::function<void(const DataPath& path)>& on_ready);

 private:
  // Kernel
  void ForgetName(uint64_t parent, uint64_t child, const std::string& name) override;
  void DropNames(std::vector<Name> names) override;
  void ForgetAttributes(uint64_t inode) override;
  void DropPages(uint64_t inode) override;
  void WakeHousekeeper() override;
  [[nodiscard]] dev_t device_number() const override { return device_number_; }

  void OnInit();
  void OnFirstRequest();
  void EndDevices();

  struct Destroy {
    void operator()(fuse_session* session) const;
  };

  const Options options_;
  FileSystem* const file_system_;
  SignalWatch signals_;  // before anything that starts threads
  TaskThread tasks_;
  PendingRequests pending_{&tasks_};
  Operations operations_;
  std::unique_ptr<fuse_session, Destroy> session_;
  std::unique_ptr<Sentinel> sentinel_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<Passthrough> passthrough_;
  std::function<void(const DataPath& path)> on_ready_;
  std::mutex ending_;  // makes EndDevices() happen once at a time; first of all locks
  dev_t device_number_ = 0;
};

}  // namespace grabfs
