// SPDX-License-Identifier: Apache-2.0
//
// The part of `doctor` that says who may see the pictures of a mount, and who may steer its
// devices.
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <filesystem>

#include "cli/base/text.h"
#include "cli/doctor/health.h"
#include "cli/mount/mount_table.h"

namespace grabfs::cli {
namespace {

// One digit of a mode.
constexpr mode_t kWrite = 2;
constexpr mode_t kList = 5;

std::string UserName(uid_t uid) {
  const passwd* user = ::getpwuid(uid);
  return user != nullptr ? user->pw_name : "user " + std::to_string(uid);
}

std::string GroupName(gid_t gid) {
  const group* found = ::getgrgid(gid);
  return "group " + (found != nullptr ? std::string(found->gr_name) : std::to_string(gid));
}

// Who has the right `digit` to a file; root has every right.
std::string WhoMay(mode_t digit, const std::filesystem::path& path) {
  struct stat file = {};
  if (::stat(path.c_str(), &file) != 0) return "nobody knows (" + path.string() + " is gone)";
  const auto has = [&](unsigned shift) { return ((file.st_mode >> shift) & digit) == digit; };
  if (has(0)) return "everybody";
  std::vector<std::string> users = {"root"};
  if (file.st_uid != 0 && has(6)) users.push_back(UserName(file.st_uid));
  if (has(3)) users.push_back(GroupName(file.st_gid));
  return Join(users, ", ");
}

}  // namespace

std::string ExamineRights(const MountInfo& mount, const std::string& device) {
  if (("," + mount.super_options + ",").find(",allow_other,") == std::string::npos) {
    const auto uid = MountedBy(mount);
    return "pictures and settings are " + (uid ? UserName(*uid) : "the mounting user") +
           "'s alone: it is mounted without allow_other";
  }
  const std::filesystem::path directory = std::filesystem::path(mount.mountpoint) / device;
  return "see pictures: " + WhoMay(kList, directory / "frames") +
         "; change settings: " + WhoMay(kWrite, directory / "state");
}

}  // namespace grabfs::cli
