// SPDX-License-Identifier: Apache-2.0
#include "fusefs/fuse/operations.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

#include <cerrno>
#include <exception>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "fusefs/base/log.h"

namespace grabfs {
namespace {

Operations& Context(fuse_req_t req) { return *static_cast<Operations*>(fuse_req_userdata(req)); }
FileSystem& Files(fuse_req_t req) { return *Context(req).file_system; }

Caller CallerOf(fuse_req_t req) {
  const fuse_ctx* context = fuse_req_ctx(req);
  return {.uid = context->uid, .gid = context->gid, .pid = context->pid};
}

int CodeOf(std::exception_ptr failure) {
  try {
    std::rethrow_exception(std::move(failure));
  } catch (const Error& error) {
    return error.code();
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  } catch (const std::exception& error) {
    LogError(std::string("internal error: ") + error.what());
    return EIO;
  }
}

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

OpenFile& FileOf(const fuse_file_info* fi) {
  return *reinterpret_cast<OpenFile*>(static_cast<uintptr_t>(fi->fh));
}

// nullptr where the request was not made through an open file.
OpenFile* FileIn(const fuse_file_info* fi) { return fi == nullptr ? nullptr : &FileOf(fi); }

fuse_entry_param ToEntryParam(const Entry& entry) {
  fuse_entry_param param = {};
  param.ino = entry.attr.stat.st_ino;
  param.attr = entry.attr.stat;
  param.attr_timeout = entry.attr.timeout;
  param.entry_timeout = entry.timeout;
  return param;
}

void ReplyAttr(fuse_req_t req, const Attr& attr) { fuse_reply_attr(req, &attr.stat, attr.timeout); }

// --- The connection

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

// --- Names and attributes

void Lookup(fuse_req_t req, fuse_ino_t parent, const char* name) {
  Serve(req, [&] {
    const fuse_entry_param param = ToEntryParam(Files(req).Lookup(parent, name, CallerOf(req)));
    fuse_reply_entry(req, &param);
  });
}

void GetAttr(fuse_req_t req, fuse_ino_t ino, fuse_file_info* /*fi*/) {
  Serve(req, [&] { ReplyAttr(req, Files(req).GetAttr(ino)); });
}

timespec Now() {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  return now;
}

AttrChange ToChange(const struct stat& attr, int to_set) {
  const auto asked = [to_set](int bit) { return (to_set & bit) != 0; };
  AttrChange change;
  if (asked(FUSE_SET_ATTR_MODE)) change.mode = attr.st_mode;
  if (asked(FUSE_SET_ATTR_UID)) change.uid = attr.st_uid;
  if (asked(FUSE_SET_ATTR_GID)) change.gid = attr.st_gid;
  if (asked(FUSE_SET_ATTR_SIZE)) change.size = static_cast<uint64_t>(attr.st_size);
  if (asked(FUSE_SET_ATTR_ATIME)) change.atime = attr.st_atim;
  if (asked(FUSE_SET_ATTR_MTIME)) change.mtime = attr.st_mtim;
  if (asked(FUSE_SET_ATTR_ATIME_NOW)) change.atime = Now();
  if (asked(FUSE_SET_ATTR_MTIME_NOW)) change.mtime = Now();
  return change;
}

// Replies "done", or why not.
std::function<void(const Error* error)> ReplyDone(fuse_req_t req) {
  return [req](const Error* error) { fuse_reply_err(req, error != nullptr ? error->code() : 0); };
}

void SetAttr(fuse_req_t req, fuse_ino_t ino, struct stat* attr, int to_set, fuse_file_info* fi) {
  Serve(req, [&] {
    Files(req).SetAttr(ino, ToChange(*attr, to_set), FileIn(fi), CallerOf(req),
                       [req](const Attr* now, const Error* error) {
                         if (error != nullptr) {
                           fuse_reply_err(req, error->code());
                         } else {
                           ReplyAttr(req, *now);
                         }
                       });
  });
}

void Unlink(fuse_req_t req, fuse_ino_t parent, const char* name) {
  Serve(req, [&] {
    Files(req).Unlink(parent, name);
    fuse_reply_err(req, 0);
  });
}

void Refuse(fuse_req_t req) { fuse_reply_err(req, EPERM); }

void MkNod(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode, dev_t /*rdev*/) {
  Serve(req, [&] {
    if (!S_ISREG(mode)) throw Error(EPERM, "there are regular files only");
    const fuse_entry_param param =
        ToEntryParam(Files(req).Create(parent, name, mode, CallerOf(req)));
    fuse_reply_entry(req, &param);
  });
}

void MkDir(fuse_req_t req, fuse_ino_t /*parent*/, const char* /*name*/, mode_t /*mode*/) {
  Refuse(req);
}

void RmDir(fuse_req_t req, fuse_ino_t /*parent*/, const char* /*name*/) { Refuse(req); }

void SymLink(fuse_req_t req, const char* /*link*/, fuse_ino_t /*parent*/, const char* /*name*/) {
  Refuse(req);
}

void Rename(fuse_req_t req, fuse_ino_t parent, const char* name, fuse_ino_t newparent,
            const char* newname, unsigned flags) {
  Serve(req, [&] {
    Files(req).Rename(parent, name, newparent, newname, flags);
    fuse_reply_err(req, 0);
  });
}

void Link(fuse_req_t req, fuse_ino_t /*ino*/, fuse_ino_t /*newparent*/, const char* /*newname*/) {
  Refuse(req);
}

void GetXattr(fuse_req_t req, fuse_ino_t ino, const char* name, size_t size) {
  Serve(req, [&] {
    const std::string value = Files(req).Xattr(ino, name);
    if (size == 0) {
      fuse_reply_xattr(req, value.size());
    } else if (value.size() > size) {
      fuse_reply_err(req, ERANGE);
    } else {
      fuse_reply_buf(req, value.data(), value.size());
    }
  });
}

void ListXattr(fuse_req_t req, fuse_ino_t ino, size_t size) {
  Serve(req, [&] {
    const std::string names = Files(req).XattrNames(ino);
    if (size == 0) {
      fuse_reply_xattr(req, names.size());
    } else if (names.size() > size) {
      fuse_reply_err(req, ERANGE);
    } else {
      fuse_reply_buf(req, names.data(), names.size());
    }
  });
}

void SetXattr(fuse_req_t req, fuse_ino_t ino, const char* name, const char* value, size_t size,
              int flags) {
  Serve(req, [&] {
    Files(req).SetXattr(ino, name, {value, size}, flags, CallerOf(req));
    fuse_reply_err(req, 0);
  });
}

void RemoveXattr(fuse_req_t req, fuse_ino_t ino, const char* name) {
  Serve(req, [&] {
    Files(req).RemoveXattr(ino, name, CallerOf(req));
    fuse_reply_err(req, 0);
  });
}

void StatFs(fuse_req_t req, fuse_ino_t ino) {
  Serve(req, [&] {
    const struct statvfs statistics = Files(req).Statistics(ino, CallerOf(req));
    fuse_reply_statfs(req, &statistics);
  });
}

// --- Directories

// Without a reply to OPENDIR the kernel would cache listings, and frames come and go.
void OpenDir(fuse_req_t req, fuse_ino_t /*ino*/, fuse_file_info* fi) { fuse_reply_open(req, fi); }

using AddName = size_t (*)(fuse_req_t req, char* buffer, size_t room, const std::string& name,
                           const Entry& entry, uint64_t next);

void FillDirectory(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, AddName add) {
  Serve(req, [&] {
    std::vector<char> buffer(size);
    size_t used = 0;
    Files(req).ReadDir(ino, static_cast<uint64_t>(offset), CallerOf(req),
                       [&](const std::string& name, const Entry& entry, uint64_t next) {
                         const size_t room = size - used;
                         const size_t needed =
                             add(req, buffer.data() + used, room, name, entry, next);
                         if (needed > room) return false;
                         used += needed;
                         return true;
                       });
    fuse_reply_buf(req, buffer.data(), used);
  });
}

void ReadDir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, fuse_file_info* /*fi*/) {
  FillDirectory(req, ino, size, offset,
                [](fuse_req_t r, char* buffer, size_t room, const std::string& name,
                   const Entry& entry, uint64_t next) {
                  return fuse_add_direntry(r, buffer, room, name.c_str(), &entry.attr.stat,
                                           static_cast<off_t>(next));
                });
}

void ReadDirPlus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                 fuse_file_info* /*fi*/) {
  FillDirectory(req, ino, size, offset,
                [](fuse_req_t r, char* buffer, size_t room, const std::string& name,
                   const Entry& entry, uint64_t next) {
                  const fuse_entry_param param = ToEntryParam(entry);
                  return fuse_add_direntry_plus(r, buffer, room, name.c_str(), &param,
                                                static_cast<off_t>(next));
                });
}

// --- Files

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
  fuse_reply_err(req, 0);
}

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

void ReplyData(fuse_req_t req, std::span<const std::byte> data) {
  fuse_reply_buf(req, reinterpret_cast<const char*>(data.data()), data.size());
}

// Whether the kernel fills its page cache although the file is passed through. It does so when one
// splices from a descriptor open for writing, whose reads come to us: the kernel sends no lock
// owner with the reads of the page cache (fuse_send_read() does for a read(2)).
bool FillsPageCache(fuse_req_t req, const OpenFile& file, const fuse_file_info* fi) {
  return fi->lock_owner == 0 && file.backing() != nullptr && Context(req).passthrough->enabled();
}

void Read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, fuse_file_info* fi) {
  OpenFile& file = FileOf(fi);
  const auto from = static_cast<uint64_t>(offset);
  if (file.seekable()) {
    const bool fills_cache = FillsPageCache(req, file, fi);
    const auto drop_pages = Context(req).drop_pages;
    Serve(req, [&] {
      file.Read(from, size, true,
                [req](std::span<const std::byte> data, const Error*) { ReplyData(req, data); });
    });
    // Mappings show the memory itself; these copies would grow old unnoticed.
    if (fills_cache) drop_pages(ino, offset, static_cast<off_t>(size));
    return;
  }
  const bool wait = (fi->flags & O_NONBLOCK) == 0;
  ServeWaiting(req, [&](const auto& ticket) {
    file.Read(from, size, wait, [req, ticket](std::span<const std::byte> data, const Error*) {
      ticket->Finish();
      ReplyData(req, data);
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
    const auto outcome = files.Lock(ino, asker, mode, wait, [reply] { reply(0); });
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

constexpr fuse_lowlevel_ops MakeTable() {
  fuse_lowlevel_ops table = {};
  table.init = Init;
  table.lookup = Lookup;
  table.getattr = GetAttr;
  table.setattr = SetAttr;
  table.mknod = MkNod;
  table.mkdir = MkDir;
  table.unlink = Unlink;
  table.rmdir = RmDir;
  table.symlink = SymLink;
  table.rename = Rename;
  table.link = Link;
  table.open = Open;
  table.read = Read;
  table.write = Write;
  table.release = Release;
  table.fsync = FSync;
  table.opendir = OpenDir;
  table.readdir = ReadDir;
  table.statfs = StatFs;
  table.setxattr = SetXattr;
  table.getxattr = GetXattr;
  table.listxattr = ListXattr;
  table.removexattr = RemoveXattr;
  table.create = Create;
  table.poll = Poll;
  table.flock = Flock;
  table.fallocate = FAllocate;
  table.readdirplus = ReadDirPlus;
  return table;
}

constexpr fuse_lowlevel_ops kTable = MakeTable();

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

const fuse_lowlevel_ops& OperationsTable() { return kTable; }

}  // namespace grabfs
