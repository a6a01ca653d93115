// SPDX-License-Identifier: Apache-2.0
//
// What every callback does: find what it needs, run, and turn an exception into an error reply.
// Private to fusefs/fuse.
#pragma once

#include <cerrno>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <utility>

#include "fusefs/base/caller.h"
#include "fusefs/base/error.h"
#include "fusefs/base/mutex.h"
#include "fusefs/fuse/fuse.h"
#include "fusefs/fuse/operations.h"
#include "fusefs/fuse/workers.h"
#include "fusefs/vfs/inode.h"

namespace grabfs {

inline Operations& Context(fuse_req_t req) {
  return *static_cast<Operations*>(fuse_req_userdata(req));
}
inline FileSystem& Files(fuse_req_t req) { return *Context(req).file_system; }

inline Caller CallerOf(fuse_req_t req) {
  const fuse_ctx* context = fuse_req_ctx(req);
  return {.uid = context->uid, .gid = context->gid, .pid = context->pid};
}

// The errno of a reply.
int CodeOf(const std::exception_ptr& failure);

inline void RefuseTooMany() {
  if (Workers::Refuses()) {
    throw Error(EDQUOT, "too many calls of this user wait for something that takes long");
  }
}

// Runs a callback that replies as its last step. If it throws, the exception becomes the reply.
template <typename Body>
void Serve(fuse_req_t req, Body&& body) {
  Operations& context = Context(req);
  std::call_once(context.first_request, context.on_first_request);
  try {
    RefuseTooMany();
    std::forward<Body>(body)();
  } catch (const NeedsTime&) {
    context.restart_on_worker(req);
  } catch (...) {
    fuse_reply_err(req, CodeOf(std::current_exception()));
  }
}

inline OpenFile& FileOf(const fuse_file_info* fi) {
  return *reinterpret_cast<OpenFile*>(static_cast<uintptr_t>(fi->fh));
}

// nullptr where the request was not made through an open file.
inline OpenFile* FileIn(const fuse_file_info* fi) { return fi == nullptr ? nullptr : &FileOf(fi); }

// Like Serve(), for a callback whose reply may have to wait for something to happen.
template <typename Body>
void ServeWaiting(fuse_req_t req, Body&& body) {
  std::shared_ptr<PendingRequests::Ticket> ticket;
  try {
    RefuseTooMany();
    ticket = Context(req).pending->Add(req);
    std::forward<Body>(body)(ticket);
  } catch (...) {
    if (ticket) ticket->Finish();
    fuse_reply_err(req, CodeOf(std::current_exception()));
  }
}

// Replies "done", or why not.
inline std::function<void(const Error* error)> ReplyDone(fuse_req_t req) {
  return [req](const Error* error) { fuse_reply_err(req, error != nullptr ? error->code() : 0); };
}

// stat() of a file that is read like a pipe shows the size 0, but the kernel must cache a large
// size: it ends asynchronous reads (io_uring, libaio) at the cached size without a request. It
// caches the size of the lookup reply; GetAttr() makes sure that it does not cache the 0.
fuse_entry_param ToEntryParam(fuse_req_t req, const Entry& entry);

}  // namespace grabfs
