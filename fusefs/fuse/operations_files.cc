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
  // write() must come to the daemon, which enforces the size: only mappings and files open for
  // reading bypass it.
  fi->direct_io = (fi->flags & O_ACCMODE) != O_RDONLY;
}

// Fills in `fi` and sends it by `reply`.
template <typename Reply>
void ReplyOpened(fuse_req_t req, std::unique_ptr<OpenFile> file, fuse_file_info* fi,
                 Reply&& reply) {
  ChoosePath(Context(req), *file, fi);
  OpenFiles& open_files = Context(req).open_files;
  OpenFile* const handle = open_files.Add(std::move(file));
  fi->fh = reinterpret_cast<uintptr_t>(handle);
  // An error means that the open was interrupted: then no RELEASE will come.
  if (std::forward<Reply>(reply)() != 0) open_files.Remove(handle);
}

void Open(fuse_req_t req, fuse_ino_t ino, fuse_file_info* fi) {
  Serve(req, [&] {
    ReplyOpened(req, Files(req).Open(ino, fi->flags, CallerOf(req)), fi,
                [&] { return fuse_reply_open(req, fi); });
  });
}

void Create(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* fi) {
  Serve(req, [&] {
    const fuse_entry_param param =
        ToEntryParam(req, Files(req).Create(parent, name, mode, CallerOf(req)));
    ReplyOpened(req, Files(req).Open(param.ino, fi->flags, CallerOf(req)), fi,
                [&] { return fuse_reply_create(req, &param, fi); });
  });
}

void TmpFile(fuse_req_t req, fuse_ino_t parent, mode_t mode, fuse_file_info* fi) {
  Serve(req, [&] {
    auto [entry, file] = Files(req).CreateUnnamed(parent, mode, CallerOf(req));
    const fuse_entry_param param = ToEntryParam(req, entry);
    ReplyOpened(req, std::move(file), fi, [req, fi, &param, &files = Files(req)] {
      const int result = fuse_reply_create(req, &param, fi);
      if (result != 0) files.Forget(param.ino);  // the kernel never knew it
      return result;
    });
  });
}

void Release(fuse_req_t req, fuse_ino_t ino, fuse_file_info* fi) {
  Serve(req, [&] {
    if (fi->flock_release) Files(req).Unlock(ino, fi->lock_owner);
    Context(req).open_files.Remove(&FileOf(fi));
    Context(req).reply_later(req);  // close() has returned long ago
  });
}

void ReplyRead(fuse_req_t req, std::span<const std::byte> data, const Error* error) {
  if (error != nullptr) {
    fuse_reply_err(req, error->code());
  } else {
    fuse_reply_buf(req, reinterpret_cast<const char*>(data.data()), data.size());
  }
}

// Whether the kernel would keep the data in FUSE's page cache although the file uses passthrough.
// It does so for splice() from a descriptor open for writing, whose reads come to the daemon. What
// devices and mappings write is not seen in that cache, so the next splice would show old pages.
// Such a read has no lock owner; a read(2) has one (fuse_send_read()).
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
      file.Read(from, size, true, [req](std::span<const std::byte> data, const Error* error) {
        ReplyRead(req, data, error);
      });
    });
    return;
  }
  OpenFiles& open_files = Context(req).open_files;
  const auto reply = [&open_files, &file, req](std::span<const std::byte> data,
                                               const Error* error) {
    if (error == nullptr && data.empty()) open_files.GotEnd(&file);
    ReplyRead(req, data, error);
  };
  if ((fi->flags & O_NONBLOCK) != 0) {
    Serve(req, [&] { file.Read(from, size, false, reply); });
    return;
  }
  ServeWaiting(req, [&](const auto& ticket) {
    file.Read(from, size, true,
              [reply, ticket](std::span<const std::byte> data, const Error* error) {
                ticket->Finish();
                reply(data, error);
              });
    ticket->Waits([&file] { return file.CancelRead(); });
  });
}

// The most that the leader copies itself: the next request waits meanwhile.
constexpr size_t kCopiedAtOnce = size_t{64} << 10;

void Write(fuse_req_t req, fuse_ino_t /*ino*/, const char* buffer, size_t size, off_t offset,
           fuse_file_info* fi) {
  Serve(req, [&] {
    if (size > kCopiedAtOnce) TakesTime();
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

// What poll() reports for regular files, whatever they are open for. io_uring relies on it: it
// delays a write until poll() reports POLLOUT.
constexpr unsigned kAlwaysReady = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;

void Poll(fuse_req_t req, fuse_ino_t /*ino*/, fuse_file_info* fi, fuse_pollhandle* handle) {
  Serve(req, [&] {
    const std::shared_ptr<fuse_pollhandle> owned(handle, [](fuse_pollhandle* h) {
      if (h != nullptr) fuse_pollhandle_destroy(h);
    });
    OpenFile& file = FileOf(fi);
    const bool ready = file.Readable([owned] {
      if (owned) fuse_lowlevel_notify_poll(owned.get());
    });
    if (file.seekable()) {
      fuse_reply_poll(req, kAlwaysReady);
    } else {
      fuse_reply_poll(req, ready ? POLLIN | POLLRDNORM : 0U);
    }
  });
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
    Serve(req, [&] {
      Files(req).Unlock(ino, fi->lock_owner);
      fuse_reply_err(req, 0);
    });
    return;
  }
  Lock(req, ino, fi->lock_owner,
       kind == LOCK_EX ? LockTable::Mode::kExclusive : LockTable::Mode::kShared,
       (op & LOCK_NB) == 0);
}

void Forget(fuse_req_t req, fuse_ino_t ino, uint64_t /*lookups*/) {
  Files(req).Forget(ino);
  fuse_reply_none(req);
}

}  // namespace

void AddFileOperations(fuse_lowlevel_ops& table) {
  table.open = Open;
  table.read = Read;
  table.write = Write;
  table.release = Release;
  table.fsync = FSync;
  table.create = Create;
  table.tmpfile = TmpFile;
  table.poll = Poll;
  table.flock = Flock;
  table.fallocate = FAllocate;
  table.forget = Forget;
}

}  // namespace grabfs
