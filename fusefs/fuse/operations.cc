// SPDX-License-Identifier: Apache-2.0
#include "fusefs/fuse/operations.h"

#include <memory>
#include <utility>

#include "fusefs/base/request_timeout.h"

namespace grabfs {
namespace {

void Init(void* userdata, fuse_conn_info* conn) {
  auto& context = *static_cast<Operations*>(userdata);
  // O_TRUNC must arrive as a SETATTR, which the daemon accepts and ignores: with this flag the
  // kernel would truncate the backing file.
  fuse_unset_feature_flag(conn, FUSE_CAP_ATOMIC_O_TRUNC);
  // The daemon invalidates pages itself; the kernel must not do it when only mtime changes.
  fuse_unset_feature_flag(conn, FUSE_CAP_AUTO_INVAL_DATA);
  fuse_set_feature_flag(conn, FUSE_CAP_EXPLICIT_INVAL_DATA);
  fuse_unset_feature_flag(conn, FUSE_CAP_WRITEBACK_CACHE);
  fuse_unset_feature_flag(conn, FUSE_CAP_OVER_IO_URING);
  fuse_unset_feature_flag(conn, FUSE_CAP_READDIRPLUS_AUTO);
  // Without it the kernel lets one lookup run in a directory at a time, for all processes.
  fuse_set_feature_flag(conn, FUSE_CAP_PARALLEL_DIROPS);
  // Links never change.
  fuse_set_feature_flag(conn, FUSE_CAP_CACHE_SYMLINKS);
  if (context.passthrough_wanted) {
    context.passthrough_offered = fuse_set_feature_flag(conn, FUSE_CAP_PASSTHROUGH);
  }
  // A file that is opened by its handle may have no directory, and then fanotify does not report
  // its reads. So with passthrough there are handles only if they are wanted.
  context.handles_given = context.handles_wanted || !context.passthrough_offered;
  fuse_set_feature_flag(
      conn, context.handles_given ? FUSE_CAP_EXPORT_SUPPORT : FUSE_CAP_NO_EXPORT_SUPPORT);
  // libfuse adds one. More would leave no room for an overlayfs on top of the mount.
  conn->max_backing_stack_depth = 0;
  conn->request_timeout = WantedRequestTimeout();
  conn->max_write = 1 << 20;
  conn->max_background = PendingRequests::kMaxBackground;
  conn->congestion_threshold = PendingRequests::kMaxBackground / 4 * 3;
  context.on_init();
}

}  // namespace

OpenFile* OpenFiles::Add(std::unique_ptr<OpenFile> file) {
  OpenFile* const handle = file.get();
  const std::lock_guard lock(mutex_);
  if (!file->seekable()) endless_.insert(handle);
  files_.emplace(handle, std::move(file));
  return handle;
}

void OpenFiles::Remove(OpenFile* file) {
  std::unique_ptr<OpenFile> ended;  // its destructor may do much: not under the lock
  const std::lock_guard lock(mutex_);
  const auto it = files_.find(file);
  ended = std::move(it->second);
  files_.erase(it);
  if (endless_.erase(file) > 0) changed_.notify_all();
}

void OpenFiles::Clear() {
  std::unordered_map<OpenFile*, std::unique_ptr<OpenFile>> ended;
  const std::lock_guard lock(mutex_);
  ended.swap(files_);
  endless_.clear();
}

void OpenFiles::GotEnd(OpenFile* file) {
  const std::lock_guard lock(mutex_);
  if (endless_.erase(file) > 0) changed_.notify_all();
}

void OpenFiles::AwaitEnds(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [this] { return endless_.empty(); });
}

fuse_lowlevel_ops OperationsTable() {
  fuse_lowlevel_ops table = {};
  table.init = Init;
  AddNameOperations(table);
  AddFileOperations(table);
  return table;
}

}  // namespace grabfs
