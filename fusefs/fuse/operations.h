// SPDX-License-Identifier: Apache-2.0
//
// The callbacks that libfuse calls: each takes a request apart, asks the FileSystem, and replies.
// This is the one place that turns an Error into the errno of a reply.
#pragma once

#include <atomic>

#include "fusefs/fuse/fuse.h"
#include "fusefs/fuse/passthrough.h"
#include "fusefs/fuse/pending.h"
#include "fusefs/vfs/file_system.h"

namespace grabfs {

// What the callbacks need; the session's user data.
struct Operations {
  FileSystem* file_system;
  Passthrough* passthrough;  // set before the first open
  PendingRequests* pending;
  TaskThread* tasks;
  std::atomic<bool> passthrough_offered = false;  // by the kernel, in FUSE_INIT
  bool passthrough_wanted = true;
  // Discards pages that the kernel has cached, now.
  std::function<void(fuse_ino_t inode, off_t offset, off_t length)> drop_pages;
  std::function<void()> on_init;  // the kernel's FUSE_INIT is being answered
};

const fuse_lowlevel_ops& OperationsTable();

}  // namespace grabfs
