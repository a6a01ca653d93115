// SPDX-License-Identifier: Apache-2.0
//
// The callbacks that libfuse calls. Each decodes a request, calls the FileSystem, and replies.
// serve.h is the one place that turns an Error into the errno of a reply.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <unordered_map>
#include <unordered_set>

#include "fusefs/base/mutex.h"
#include "fusefs/fuse/fuse.h"
#include "fusefs/fuse/name_invalidator.h"
#include "fusefs/fuse/passthrough.h"
#include "fusefs/fuse/pending.h"
#include "fusefs/vfs/file_system.h"

namespace grabfs {

// Owns all open files, so that none is leaked if the connection ends before the kernel releases
// them. Threads: any.
class OpenFiles {
 public:
  OpenFile* Add(std::unique_ptr<OpenFile> file);
  // Destroys it.
  void Remove(OpenFile* file);
  void Clear();

  // For files that are read like a pipe: the reader of this one is getting the end of the file.
  void GotEnd(OpenFile* file);
  // Waits until all such readers got the end of their files or closed them, at most for `patience`.
  void AwaitEnds(std::chrono::milliseconds patience);

 private:
  Mutex mutex_;  // guards all below; leaf
  Condition changed_;
  std::unordered_map<OpenFile*, std::unique_ptr<OpenFile>> files_;
  std::unordered_set<OpenFile*> endless_;  // of them, those whose readers have not got the end yet
};

// What the callbacks need; the session's user data.
struct Operations {
  FileSystem* file_system;
  Passthrough* passthrough;  // set before the first open
  PendingRequests* pending;
  NameInvalidator* names;                         // set before the first request
  std::atomic<bool> passthrough_offered = false;  // by the kernel, in FUSE_INIT
  bool passthrough_wanted = true;
  bool handles_wanted = false;              // with passthrough, too
  std::atomic<bool> handles_given = false;  // file handles; decided in FUSE_INIT
  // Of all inodes except the root. File handles contain it, so handles of another mount, or of an
  // earlier daemon, lead nowhere. The kernel keeps 32 bits.
  const uint32_t generation = std::random_device()();
  // See Workers.
  std::function<void(fuse_req_t req)> reply_later;
  std::function<void(fuse_req_t req)> restart_on_worker;
  // Has the kernel drop the cached attributes of an inode. Does not wait.
  std::function<void(uint64_t inode)> invalidate_attributes;
  std::function<void()> on_init;  // called while FUSE_INIT is being answered
  // Called once, before the first request after FUSE_INIT is served. Before that the data path
  // cannot be known; later would be too late, because the path of an inode must not change.
  std::function<void()> on_first_request;
  std::once_flag first_request;
  OpenFiles open_files;
};

fuse_lowlevel_ops OperationsTable();
// Parts of it.
void AddNameOperations(fuse_lowlevel_ops& table);
void AddFileOperations(fuse_lowlevel_ops& table);

}  // namespace grabfs
