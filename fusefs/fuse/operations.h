// SPDX-License-Identifier: Apache-2.0
//
// The callbacks that libfuse calls: each takes a request apart, asks the FileSystem, and replies.
// serve.h is the one place that turns an Error into the errno of a reply.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "fusefs/fuse/fuse.h"
#include "fusefs/fuse/passthrough.h"
#include "fusefs/fuse/pending.h"
#include "fusefs/vfs/file_system.h"

namespace grabfs {

// All open files, so that none is leaked when the kernel can no longer release them.
class OpenFiles {
 public:
  OpenFile* Add(std::unique_ptr<OpenFile> file);
  // Ends it; the pointer is not valid any more.
  void Remove(OpenFile* file);
  void Clear();

 private:
  std::mutex mutex_;  // guards files_; leaf
  std::unordered_map<OpenFile*, std::unique_ptr<OpenFile>> files_;
};

// What the callbacks need; the session's user data.
struct Operations {
  FileSystem* file_system;
  Passthrough* passthrough;  // set before the first open
  PendingRequests* pending;
  std::atomic<bool> passthrough_offered = false;  // by the kernel, in FUSE_INIT
  bool passthrough_wanted = true;
  // Answers "done" to a quick request whose client does not wait for it.
  std::function<void(fuse_req_t req)> answer_in_time;
  std::function<void()> on_init;  // the kernel's FUSE_INIT is being answered
  // Called once, before the first request after FUSE_INIT is looked at: that is the earliest moment
  // at which the data path can be known, and the latest, because no file may change its path.
  std::function<void()> on_first_request;
  std::once_flag first_request;
  OpenFiles open_files;
};

fuse_lowlevel_ops OperationsTable();
// Parts of it.
void AddNameOperations(fuse_lowlevel_ops& table);
void AddFileOperations(fuse_lowlevel_ops& table);

}  // namespace grabfs
