// SPDX-License-Identifier: Apache-2.0
#include "fusefs/fuse/operations.h"

#include <memory>
#include <utility>

namespace grabfs {
namespace {

void Init(void* userdata, fuse_conn_info* conn) {
  auto& context = *static_cast<Operations*>(userdata);
  // O_TRUNC must come as a SETATTR, which we accept and ignore: with this flag the kernel would
  // truncate the backing file.
  fuse_unset_feature_flag(conn, FUSE_CAP_ATOMIC_O_TRUNC);
  // We say when pages are outdated; a change of mtime alone does not make them so.
  fuse_unset_feature_flag(conn, FUSE_CAP_AUTO_INVAL_DATA);
  fuse_set_feature_flag(conn, FUSE_CAP_EXPLICIT_INVAL_DATA);
  fuse_unset_feature_flag(conn, FUSE_CAP_WRITEBACK_CACHE);
  fuse_unset_feature_flag(conn, FUSE_CAP_OVER_IO_URING);
  fuse_unset_feature_flag(conn, FUSE_CAP_READDIRPLUS_AUTO);
  // Without it the kernel looks up one name of a directory at a time, for everybody.
  fuse_set_feature_flag(conn, FUSE_CAP_PARALLEL_DIROPS);
  if (context.passthrough_wanted) {
    context.passthrough_offered = fuse_set_feature_flag(conn, FUSE_CAP_PASSTHROUGH);
  }
  conn->max_backing_stack_depth = 1;
  conn->max_write = 1 << 20;
  context.on_init();
}

}  // namespace

OpenFile* OpenFiles::Add(std::unique_ptr<OpenFile> file) {
  OpenFile* const handle = file.get();
  const std::lock_guard lock(mutex_);
  files_.emplace(handle, std::move(file));
  return handle;
}

void OpenFiles::Remove(OpenFile* file) {
  std::unique_ptr<OpenFile> ended;  // its destructor may do much: not under the lock
  const std::lock_guard lock(mutex_);
  const auto it = files_.find(file);
  ended = std::move(it->second);
  files_.erase(it);
}

void OpenFiles::Clear() {
  std::unordered_map<OpenFile*, std::unique_ptr<OpenFile>> ended;
  const std::lock_guard lock(mutex_);
  ended.swap(files_);
}

fuse_lowlevel_ops OperationsTable() {
  fuse_lowlevel_ops table = {};
  table.init = Init;
  AddNameOperations(table);
  AddFileOperations(table);
  return table;
}

}  // namespace grabfs
