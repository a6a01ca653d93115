// SPDX-License-Identifier: Apache-2.0
//
// What every callback does: find what it needs, run, and turn what it throws into its reply.
// Private to this room.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <utility>

#include "fusefs/base/caller.h"
#include "fusefs/base/error.h"
#include "fusefs/fuse/fuse.h"
#include "fusefs/fuse/operations.h"

namespace grabfs {

inline Operations& Context(fuse_req_t req) {
  return *static_cast<Operations*>(fuse_req_userdata(req));
}
inline FileSystem& Files(fuse_req_t req) { return *Context(req).file_system; }

inline Caller CallerOf(fuse_req_t req) {
  const fuse_ctx* context = fuse_req_ctx(req);
  return {.uid = context->uid, .gid = context->gid, .pid = context->pid};
}

// The errno of a reply: of an Error its own.
int CodeOf(std::exception_ptr failure);

// Runs a callback whose last act is its reply; what it throws becomes the reply.
template <typename Body>
void Serve(fuse_req_t req, Body&& body) {
  Operations& context = Context(req);
  std::call_once(context.first_request, context.on_first_request);
  try {
    std::forward<Body>(body)();
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
  const auto ticket = Context(req).pending->Add(req);
  try {
    std::forward<Body>(body)(ticket);
  } catch (...) {
    ticket->Finish();
    fuse_reply_err(req, CodeOf(std::current_exception()));
  }
}

// Replies "done", or why not.
inline std::function<void(const Error* error)> ReplyDone(fuse_req_t req) {
  return [req](const Error* error) { fuse_reply_err(req, error != nullptr ? error->code() : 0); };
}

fuse_entry_param ToEntryParam(const Entry& entry);

}  // namespace grabfs
