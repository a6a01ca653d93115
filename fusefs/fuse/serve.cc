// SPDX-License-Identifier: Apache-2.0
#include "fusefs/fuse/serve.h"

#include <cerrno>

#include "fusefs/base/log.h"

namespace grabfs {
namespace {

// Larger than any offset that a reader gets to.
constexpr off_t kEndlessSize = off_t{1} << 62;

}  // namespace

int CodeOf(const std::exception_ptr& failure) {
  const Error error = ErrorFrom(failure);
  if (error.code() == EIO) LogError(error.what());
  return error.code();
}

fuse_entry_param ToEntryParam(fuse_req_t req, const Entry& entry) {
  fuse_entry_param param = {};
  param.ino = entry.attr.stat.st_ino;
  // The kernel itself gives the root the generation 0.
  param.generation = param.ino == kRootInode ? 0 : Context(req).generation;
  param.attr = entry.attr.stat;
  if (FileSystem::IsEndless(param.ino)) param.attr.st_size = kEndlessSize;
  param.attr_timeout = entry.attr.timeout;
  param.entry_timeout = entry.timeout;
  return param;
}

}  // namespace grabfs
