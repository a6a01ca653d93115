// SPDX-License-Identifier: Apache-2.0
//
// The replies to LOOKUP and GETATTR: a file's attributes, and for how long the kernel may cache
// them.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace grabfs {

// Seconds to cache what never changes, or is invalidated by Kernel::Invalidate...() when it does.
inline constexpr double kForever = 86400.0;
// Seconds to cache what is invalidated, too, but not while a process has the directory open.
inline constexpr double kBriefly = 1.0;
inline constexpr double kNotAtAll = 0.0;

struct Attr {
  struct stat stat;  // st_ino is set
  double timeout;    // seconds that the kernel may keep it
};

struct Entry {
  Attr attr;
  double timeout;  // seconds that the kernel may keep the name
};

// Adds one name to a directory listing; `next`: the offset of the name after it. False: the reply
// is full, stop.
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
