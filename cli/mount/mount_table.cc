// SPDX-License-Identifier: Apache-2.0
#include "cli/mount/mount_table.h"

#include <string_view>
#include <utility>

#include "cli/base/exit_code.h"
#include "cli/base/file.h"
#include "cli/base/text.h"
#include "cli/mount/mount.h"
#include "fusefs/base/error.h"

namespace grabfs::cli {
namespace {

ExaminedMount Unhealthy(const MountInfo& mount, MountHealth health, const std::string& problem) {
  return {.mount = mount, .health = health, .problem = problem};
}

// From what its status.json contains.
ExaminedMount Understood(const MountInfo& mount, const std::string& text) {
  const std::string file = mount.mountpoint + "/status.json";
  try {
    nlohmann::json json = ParseJson(text, file);
    MountStatus status = ParseMountStatus(json, file);
    return {.mount = mount, .status_json = std::move(json), .status = std::move(status)};
  } catch (const Error& error) {
    return Unhealthy(mount, MountHealth::kBroken, error.what());
  }
}

}  // namespace

std::vector<MountInfo> OnlyGrabfs(std::vector<MountInfo> mounts) {
  std::vector<MountInfo> visible;
  for (MountInfo& mount : mounts) {
    std::erase_if(visible, [&mount](const MountInfo& covered) {
      return covered.mountpoint == mount.mountpoint;
    });
    const bool whole = mount.root.empty() || mount.root == "/";
    if (mount.type == kFileSystemType && whole) visible.push_back(std::move(mount));
  }
  return visible;
}

std::vector<MountInfo> GrabfsMounts(const SystemPaths& system) {
  return OnlyGrabfs(ReadMountInfo(system.proc.string()));
}

std::optional<uid_t> MountedBy(const MountInfo& mount) {
  constexpr std::string_view kKey = ",user_id=";
  const std::string options = "," + mount.super_options + ",";
  const size_t found = options.find(kKey);
  if (found == std::string::npos) return std::nullopt;
  const std::string rest = options.substr(found + kKey.size());
  const auto uid = ParseCount(rest.substr(0, rest.find(',')));
  return uid ? std::optional(static_cast<uid_t>(*uid)) : std::nullopt;
}

bool IsTrusted(const MountInfo& mount, uid_t user) {
  const auto by = MountedBy(mount);
  return by == uid_t{0} || by == user;
}

ExaminedMount MountExaminer::AnswerOf(const MountInfo& mount, const Deadline& deadline) {
  auto reading = reading_.extract(mount.mountpoint);
  try {
    const auto text = reading.mapped().Await(deadline);
    if (text) return Understood(mount, *text);
  } catch (const Error& error) {
    if (DaemonIsGone(error)) {
      return Unhealthy(mount, MountHealth::kStale, "stale: its daemon is gone");
    }
    if (error.code() == EMSGSIZE) return Unhealthy(mount, MountHealth::kBroken, error.what());
    return Unhealthy(mount, MountHealth::kClosed, "closed to this user");
  }
  silent_.insert(std::move(reading));
  return Unhealthy(mount, MountHealth::kSilent, "its daemon does not answer");
}

std::vector<ExaminedMount> MountExaminer::Examine(const std::vector<MountInfo>& mounts,
                                                  double seconds) {
  const Deadline patience = Deadline::After(seconds);
  std::map<std::string, TimelyWork> silent = std::exchange(silent_, {});
  for (const MountInfo& mount : mounts) {
    // Not stat(): the kernel may still answer that from its cache.
    if (silent.contains(mount.mountpoint)) continue;
    reading_.try_emplace(mount.mountpoint, [&] {
      return ReadFile(MountFile{mount.mountpoint, "status.json"});
    });
  }
  std::vector<ExaminedMount> examined;
  for (const MountInfo& mount : mounts) {
    auto earlier = silent.extract(mount.mountpoint);
    const Deadline deadline = earlier ? Deadline::After(0.0) : patience;
    if (earlier) reading_.insert(std::move(earlier));
    examined.push_back(AnswerOf(mount, deadline));
  }
  return examined;
}

ExaminedMount ExamineMount(const MountInfo& mount) {
  return MountExaminer().Examine({mount}).front();
}

ExaminedMount AskNamedMount(const std::string& root) {
  nlohmann::json json = Mount(root).StatusJson();
  MountStatus status = ParseMountStatus(json, root + "/status.json");
  return {
      .mount = {.mountpoint = root}, .status_json = std::move(json), .status = std::move(status)};
}

}  // namespace grabfs::cli
