// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/trusted_path.h"

#include <sys/stat.h>

#include <cerrno>
#include <deque>
#include <filesystem>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLinks = 40;  // as the kernel has it

// A member of the owner's group may be anybody, unless it is root's.
bool OthersMayWrite(const struct stat& status) {
  if (S_ISLNK(status.st_mode)) return false;  // its mode means nothing
  if (S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0) return false;
  return (status.st_mode & S_IWOTH) != 0 || ((status.st_mode & S_IWGRP) != 0 && status.st_gid != 0);
}

struct stat Look(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    throw Error(errno, path.string() + ": " + ErrnoText(errno));
  }
  return status;
}

void Require(const fs::path& path, const struct stat& status, uid_t user) {
  const bool owned = status.st_uid == 0 || status.st_uid == user;
  if (owned && !OthersMayWrite(status)) return;
  throw Error(EPERM, path.string() + ": " +
                         (owned ? "others may write to it: chmod go-w"
                                : "it belongs to another user: chown it") +
                         ", or grabfs would give them the rights of the user that runs it");
}

}  // namespace

void RequireTrustedPath(const std::string& path, uid_t user) {
  std::deque<fs::path> rest;
  for (const fs::path& part : fs::path(path)) rest.push_back(part);
  fs::path present;
  for (int links = 0; !rest.empty();) {
    const fs::path part = rest.front();
    rest.pop_front();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      present = present.parent_path();
      continue;
    }
    const fs::path next = part.is_absolute() ? part : present / part;
    const struct stat status = Look(next);
    Require(next, status, user);
    if (!S_ISLNK(status.st_mode)) {
      present = next;
      continue;
    }
    if (++links > kMostLinks) throw Error(ELOOP, path + ": " + ErrnoText(ELOOP));
    const fs::path target = fs::read_symlink(next);
    if (target.is_absolute()) present.clear();
    rest.insert(rest.begin(), target.begin(), target.end());
  }
}

}  // namespace grabfs
