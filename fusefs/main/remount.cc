// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/remount.h"

#include <sys/mount.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/mount_info.h"
#include "fusefs/main/mount_options.h"
#include "fusefs/vfs/names.h"

namespace grabfs {
namespace {

struct Flag {
  std::string_view word;
  unsigned long bit;
  bool set;
};
constexpr std::array kFlags = {
    Flag{"ro", MS_RDONLY, true},
    Flag{"rw", MS_RDONLY, false},
    Flag{"nosuid", MS_NOSUID, true},
    Flag{"suid", MS_NOSUID, false},
    Flag{"nodev", MS_NODEV, true},
    Flag{"dev", MS_NODEV, false},
    Flag{"noexec", MS_NOEXEC, true},
    Flag{"exec", MS_NOEXEC, false},
    Flag{"noatime", MS_NOATIME, true},
    Flag{"atime", MS_NOATIME, false},
    Flag{"relatime", MS_RELATIME, true},
    Flag{"norelatime", MS_RELATIME, false},
    Flag{"nodiratime", MS_NODIRATIME, true},
    Flag{"diratime", MS_NODIRATIME, false},
};
// Those of a mount that is made without any.
constexpr unsigned long kUsual = MS_NOSUID | MS_NODEV;

const Flag* FindFlag(std::string_view word) {
  const auto* const flag = std::ranges::find(kFlags, word, &Flag::word);
  return flag == kFlags.end() ? nullptr : flag;
}

// What the daemon was mounted with.
std::vector<std::string> OptionsOf(const std::string& mountpoint) {
  std::array<char, 4096> text;
  const ssize_t size = getxattr(mountpoint.c_str(), kOptionsXattr, text.data(), text.size());
  if (size < 0) ThrowErrno(mountpoint + ": its options");
  return Split(std::string(text.data(), static_cast<size_t>(size)), ',');
}

}  // namespace

void Remount(const std::string& mountpoint, const std::string& words) {
  const auto mount = FindMount(mountpoint);
  if (!mount || mount->type != kFileSystemType) {
    throw Error(EINVAL, mountpoint + ": no grabfs is mounted there that could be remounted");
  }
  std::vector<std::string> unchanged = OptionsOf(mountpoint);
  for (std::string& word : Split(mount->super_options, ',')) unchanged.push_back(std::move(word));
  unsigned long flags = MS_REMOUNT | kUsual;
  for (const std::string& word : Split(words, ',')) {
    if (const Flag* flag = FindFlag(word)) {
      flags = flag->set ? flags | flag->bit : flags & ~flag->bit;
    } else if (!IsForMount(word) && std::ranges::find(unchanged, word) == unchanged.end()) {
      throw Error(EINVAL, "-o remount," + word + ": " + mountpoint +
                              " cannot get this option while it is mounted: unmount it, and mount "
                              "it again");
    }
  }
  if (::mount("grabfs", mountpoint.c_str(), nullptr, flags, nullptr) == 0) return;
  if (errno == EBUSY)
    throw Error(EBUSY, mountpoint + ": a file is open for writing: close it first");
  if (errno == EPERM) throw Error(EPERM, mountpoint + ": only root can remount");
  ThrowErrno("remount " + mountpoint);
}

}  // namespace grabfs
