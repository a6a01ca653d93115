// SPDX-License-Identifier: Apache-2.0
//
// What the kernel is told about a file: its attributes, and for how long it may keep them.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace grabfs {

struct Attr {
  struct stat stat;  // st_ino is set
  double timeout;    // seconds that the kernel may keep it
};

struct Entry {
  Attr attr;
  double timeout;  // seconds that the kernel may keep the name
};

// One name of a directory. False: no room, stop.
using Emit = std::function<bool(const std::string& name, const Entry& entry, uint64_t next)>;

// What chmod(), chown(), truncate(), utimensat() ask for; absent: as it is.
struct AttrChange {
  std::optional<mode_t> mode;
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  std::optional<uint64_t> size;
  std::optional<timespec> atime;
  std::optional<timespec> mtime;
};

}  // namespace grabfs
