// SPDX-License-Identifier: Apache-2.0
//
// Names, attributes and directories.
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <vector>

#include "fusefs/fuse/serve.h"

namespace grabfs {
namespace {

// --- Names and attributes

void ReplyAttr(fuse_req_t req, const Attr& attr) { fuse_reply_attr(req, &attr.stat, attr.timeout); }

void Lookup(fuse_req_t req, fuse_ino_t parent, const char* name) {
  Serve(req, [&] {
    const fuse_entry_param param =
        ToEntryParam(req, Files(req).Lookup(parent, name, CallerOf(req)));
    fuse_reply_entry(req, &param);
  });
}

void GetAttr(fuse_req_t req, fuse_ino_t ino, fuse_file_info* /*fi*/) {
  Serve(req, [&] {
    const Attr attr = Files(req).GetAttr(ino);
    // The kernel returns attributes that are invalidated while it asks for them, but does not cache
    // them. So the large size that it has cached stays.
    if (FileSystem::IsEndless(ino)) Context(req).invalidate_attributes(ino);
    ReplyAttr(req, attr);
  });
}

void ReadLink(fuse_req_t req, fuse_ino_t ino) {
  Serve(req, [&] { fuse_reply_readlink(req, Files(req).ReadLink(ino).c_str()); });
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
    Files(req).Unlink(parent, name, CallerOf(req));
    fuse_reply_err(req, 0);
  });
}

void Refuse(fuse_req_t req) { fuse_reply_err(req, EPERM); }

void MkNod(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode, dev_t /*rdev*/) {
  Serve(req, [&] {
    if (!S_ISREG(mode)) throw Error(EPERM, "there are regular files only");
    const fuse_entry_param param =
        ToEntryParam(req, Files(req).Create(parent, name, mode, CallerOf(req)));
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
    Files(req).SetXattr(ino, name, {value, size}, flags, CallerOf(req), ReplyDone(req));
  });
}

void RemoveXattr(fuse_req_t req, fuse_ino_t ino, const char* name) {
  Serve(req, [&] { Files(req).RemoveXattr(ino, name, CallerOf(req), ReplyDone(req)); });
}

void StatFs(fuse_req_t req, fuse_ino_t ino) {
  Serve(req, [&] {
    const struct statvfs statistics = Files(req).Statistics(ino, CallerOf(req));
    fuse_reply_statfs(req, &statistics);
  });
}

// --- Directories

// If OPENDIR were not implemented the kernel would cache listings, but frames come and go. The
// reply may wait until a name of the directory has been invalidated: see NameInvalidator.
void OpenDir(fuse_req_t req, fuse_ino_t ino, fuse_file_info* fi) {
  Serve(req, [&] {
    Context(req).names->Opened(ino, [req, info = *fi] { return fuse_reply_open(req, &info) == 0; });
  });
}

void ReleaseDir(fuse_req_t req, fuse_ino_t ino, fuse_file_info* /*fi*/) {
  Serve(req, [&] {
    Context(req).names->Closed(ino);
    fuse_reply_err(req, 0);
  });
}

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
                  const fuse_entry_param param = ToEntryParam(r, entry);
                  return fuse_add_direntry_plus(r, buffer, room, name.c_str(), &param,
                                                static_cast<off_t>(next));
                });
}

}  // namespace

void AddNameOperations(fuse_lowlevel_ops& table) {
  table.lookup = Lookup;
  table.getattr = GetAttr;
  table.readlink = ReadLink;
  table.setattr = SetAttr;
  table.mknod = MkNod;
  table.mkdir = MkDir;
  table.unlink = Unlink;
  table.rmdir = RmDir;
  table.symlink = SymLink;
  table.rename = Rename;
  table.link = Link;
  table.opendir = OpenDir;
  table.readdir = ReadDir;
  table.releasedir = ReleaseDir;
  table.statfs = StatFs;
  table.setxattr = SetXattr;
  table.getxattr = GetXattr;
  table.listxattr = ListXattr;
  table.removexattr = RemoveXattr;
  table.readdirplus = ReadDirPlus;
}

}  // namespace grabfs
