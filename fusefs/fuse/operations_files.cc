// SPDX-License-Identifier: Apache-2.0
//
// Open files: their data path, reading and writing, waiting, locks.
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

#include <cerrno>
#include <memory>
#include <span>
#include <utility>

#include "fusefs/fuse/serve.h"

namespace grabfs {
namespace {

// Chooses the data path of an open file.
void ChoosePath(Operations& context, OpenFile& file, fuse_file_info* fi) {
  fi->direct_io = file.uncached();
  fi->nonseekable = !file.seekable();
  fi->keep_cache = !file.uncached();
  const Backing* backing = file.backing();
  if (backing == nullptr) return;
  const auto id = context.passthrough->BackingId(*backing);
  if (!id) return;
  file.UsesBackingDirectly();
  fi->backing_id = *id;
  fi->keep_cache = 0;
  // write() must come to us, who keep the size: only mappings and plain readers go directly.
  fi->direct_io = (fi->flags & O_ACCMODE) != O_RDONLY;
}

// Opens, fills in `fi` and sends it by `reply`.
template <typename Reply>
void OpenAndReply(fuse_req_t req, fuse_ino_t ino, fuse_file_info* fi, Reply&& reply) {
  auto file = Files(req).Open(ino, fi->flags, CallerOf(req));
  ChoosePath(Context(req), *file, fi);
  OpenFiles& open_files = Context(req).open_files;
  OpenFile* const handle = open_files.Add(std::move(file));
  fi->fh = reinterpret_cast<uintptr_t>(handle);
  // An error here says that the open was interrupted: no release will come.
  if (std::forward<Reply>(reply)() != 0) open_files.Remove(handle);
}

void Open(fuse_req_t req, fuse_ino_t ino, fuse_file_info* fi) {
  Serve(req, [&] { OpenAndReply(req, ino, fi, [&] { return fuse_reply_open(req, fi); }); });
}

void Create(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* fi) {
  Serve(req, [&] {
    const fuse_entry_param param =
        ToEntryParam(Files(req).Create(parent, name, mode, CallerOf(req)));
    OpenAndReply(req, param.ino, fi, [&] { return fuse_reply_create(req, &param, fi); });
  });
}

void Release(fuse_req_t req, fuse_ino_t ino, fuse_file_info* fi) {
  if (fi->flock_release) Files(req).Unlock(ino, fi->lock_owner);
  Context(req).open_files.Remove(&FileOf(fi));
  Context(req).answer_in_time(req);  // close() has returned long ago
}

void ReplyData(fuse_req_t req, std::span<const std::byte> data) {
  fuse_reply_buf(req, reinterpret_cast<const char*>(data.data()), data.size());
}

// Whether the kernel would keep the answer in its page cache although the file is passed through:
// when one splices from a descriptor open for writing, whose reads come to us. What devices and
// mappings write would not be seen there, so the next splice would show old pages. The kernel sends
// no lock owner with such a read (fuse_send_read() does for a read(2)).
bool FillsPageCache(fuse_req_t req, const OpenFile& file, const fuse_file_info* fi) {
  return fi->lock_owner == 0 && file.backing() != nullptr && Context(req).passthrough->enabled();
}

void Read(fuse_req_t req, fuse_ino_t /*ino*/, size_t size, off_t offset, fuse_file_info* fi) {
  OpenFile& file = FileOf(fi);
  const auto from = static_cast<uint64_t>(offset);
  if (file.seekable()) {
    Serve(req, [&] {
      if (FillsPageCache(req, file, fi)) {
        throw Error(EINVAL, "splice: not from a descriptor that is open for writing, too");
      }
      file.Read(from, size, true,
                [req](std::span<const std::byte> data, const Error*) { ReplyData(req, data); });
    });
    return;
  }
  const bool wait = (fi->flags & O_NONBLOCK) == 0;
  ServeWaiting(req, [&](const auto& ticket) {
    file.Read(from, size, wait, [req, ticket](std::span<const std::byte> data, const Error* error) {
      ticket->Finish();
      if (error != nullptr) {
        fuse_reply_err(req, error->code());
      } else {
        ReplyData(req, data);
      }
    });
    ticket->Waits([&file] { return file.CancelRead(); });
  });
}

void Write(fuse_req_t req, fuse_ino_t /*ino*/, const char* buffer, size_t size, off_t offset,
           fuse_file_info* fi) {
  Serve(req, [&] {
    FileOf(fi).Write(static_cast<uint64_t>(offset), std::as_bytes(std::span(buffer, size)),
                     fi->writepage != 0, [req](size_t written, const Error* error) {
                       if (error != nullptr) {
                         fuse_reply_err(req, error->code());
                       } else {
                         fuse_reply_write(req, written);
                       }
                     });
  });
}

void FSync(fuse_req_t req, fuse_ino_t /*ino*/, int /*datasync*/, fuse_file_info* fi) {
  Serve(req, [&] { FileOf(fi).Sync(ReplyDone(req)); });
}

void FAllocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
               fuse_file_info* fi) {
  Serve(req, [&] {
    Files(req).Allocate(ino, mode, static_cast<uint64_t>(offset), static_cast<uint64_t>(length),
                        FileIn(fi), CallerOf(req), ReplyDone(req));
  });
}

// What poll() says of regular files, whatever they are open for. io_uring believes it: a write
// waits until the file is ready for it.
constexpr unsigned kAlwaysReady = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;

void Poll(fuse_req_t req, fuse_ino_t /*ino*/, fuse_file_info* fi, fuse_pollhandle* handle) {
  const std::shared_ptr<fuse_pollhandle> owned(handle, [](fuse_pollhandle* h) {
    if (h != nullptr) fuse_pollhandle_destroy(h);
  });
  OpenFile& file = FileOf(fi);
  if (file.seekable()) {
    fuse_reply_poll(req, kAlwaysReady);
    return;
  }
  const bool readable = file.Readable([owned] {
    if (owned) fuse_lowlevel_notify_poll(owned.get());
  });
  fuse_reply_poll(req, readable ? POLLIN | POLLRDNORM : 0U);
}

void Lock(fuse_req_t req, uint64_t ino, uint64_t owner, LockTable::Mode mode, bool wait) {
  FileSystem& files = Files(req);
  const LockTable::Asker asker{owner, reinterpret_cast<uintptr_t>(req)};
  ServeWaiting(req, [&](const auto& ticket) {
    const auto reply = [req, ticket](int code) {
      ticket->Finish();
      fuse_reply_err(req, code);
    };
    const auto outcome = files.Lock(ino, asker, mode, wait, CallerOf(req), [reply] { reply(0); });
    if (outcome == LockTable::Outcome::kGranted) {
      reply(0);
    } else if (outcome == LockTable::Outcome::kWouldBlock) {
      reply(EWOULDBLOCK);
    } else {
      ticket->Waits([&files, ino, asker] { return files.CancelLock(ino, asker.id); });
    }
  });
}

void Flock(fuse_req_t req, fuse_ino_t ino, fuse_file_info* fi, int op) {
  const int kind = op & ~LOCK_NB;
  if (kind == LOCK_UN) {
    Files(req).Unlock(ino, fi->lock_owner);
    fuse_reply_err(req, 0);
    return;
  }
  Lock(req, ino, fi->lock_owner,
       kind == LOCK_EX ? LockTable::Mode::kExclusive : LockTable::Mode::kShared,
       (op & LOCK_NB) == 0);
}

}  // namespace

void AddFileOperations(fuse_lowlevel_ops& table) {
  table.open = Open;
  table.read = Read;
  table.write = Write;
  table.release = Release;
  table.fsync = FSync;
  table.create = Create;
  table.poll = Poll;
  table.flock = Flock;
  table.fallocate = FAllocate;
}

}  // namespace grabfs
