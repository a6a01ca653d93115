// SPDX-License-Identifier: Apache-2.0
//
// Reads /proc/meminfo and the memory cgroups of this process.
#include "fusefs/base/memory_limit.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string_view>

#include "fusefs/base/error.h"
#include "fusefs/base/mount_info.h"

namespace grabfs {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kMegabyte = 1'000'000;

// The files of one cgroup hierarchy. Page cache that the kernel could reclaim counts as available.
// Shared memory does not, and is in neither of the two file lists.
struct Hierarchy {
  std::string_view type;        // of its mount
  std::string_view controller;  // in /proc/self/cgroup; empty for the unified hierarchy
  const char* limit;
  const char* usage;
  std::string_view inactive_file;
  std::string_view active_file;
};
constexpr Hierarchy kUnified = {"cgroup2",       "",           "memory.max", "memory.current",
                                "inactive_file", "active_file"};
constexpr Hierarchy kMemoryV1 = {"cgroup",
                                 "memory",
                                 "memory.limit_in_bytes",
                                 "memory.usage_in_bytes",
                                 "total_inactive_file",
                                 "total_active_file"};

// nullopt when the file is absent or holds no number ("max").
std::optional<uint64_t> ReadNumber(const fs::path& path) {
  std::ifstream file(path);
  uint64_t value = 0;
  return file >> value ? std::optional(value) : std::nullopt;
}

// The value of `key` in a file of "key value" lines; 0 when there is none.
uint64_t ReadField(const fs::path& path, std::string_view key) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string name;
    uint64_t value = 0;
    if (words >> name >> value && name == key) return value;
  }
  return 0;
}

bool ContainsWord(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (list.substr(0, comma) == word) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

std::optional<MountInfo> FindHierarchy(const Hierarchy& hierarchy, const std::string& root) {
  for (MountInfo& mount : ReadMountInfo(root + "/proc")) {
    if (mount.type != hierarchy.type) continue;
    if (hierarchy.controller.empty() || ContainsWord(mount.super_options, hierarchy.controller)) {
      return std::move(mount);
    }
  }
  return std::nullopt;
}

// The cgroup of a process: a line "ID:CONTROLLERS:PATH".
std::optional<std::string> FindGroup(const Hierarchy& hierarchy, const std::string& process,
                                     const std::string& root) {
  std::ifstream file(root + "/proc/" + process + "/cgroup");
  std::string line;
  while (std::getline(file, line)) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string_view controllers(line.data() + first + 1, second - first - 1);
    if (hierarchy.controller.empty() ? controllers.empty()
                                     : ContainsWord(controllers, hierarchy.controller)) {
      return line.substr(second + 1);
    }
  }
  return std::nullopt;
}

uint64_t AvailableInGroup(const Hierarchy& hierarchy, const fs::path& directory) {
  const std::optional<uint64_t> limit = ReadNumber(directory / hierarchy.limit);
  const std::optional<uint64_t> usage = ReadNumber(directory / hierarchy.usage);
  if (!limit || !usage) return kUnlimited;
  const fs::path statistics = directory / "memory.stat";
  const uint64_t reclaimable = std::min(*usage, ReadField(statistics, hierarchy.inactive_file) +
                                                    ReadField(statistics, hierarchy.active_file));
  const uint64_t taken = *usage - reclaimable;
  return *limit > taken ? *limit - taken : 0;
}

// The directory of a process's cgroup, and the one where the hierarchy begins.
struct GroupPath {
  fs::path top;
  fs::path directory;
};

std::optional<GroupPath> FindGroupPath(const Hierarchy& hierarchy, const std::string& process,
                                       const std::string& root) {
  // A mount shows another directory than "/" of the hierarchy in containers only.
  const std::optional<MountInfo> mount = FindHierarchy(hierarchy, root);
  std::optional<std::string> group = FindGroup(hierarchy, process, root);
  if (!mount || !group) return std::nullopt;
  if (mount->root != "/" && group->starts_with(mount->root)) group->erase(0, mount->root.size());
  const fs::path top = fs::path(root + mount->mountpoint);
  return GroupPath{top, (top / fs::path(*group).relative_path()).lexically_normal()};
}

// The least that the process's cgroup and those above it leave.
uint64_t AvailableInHierarchy(const Hierarchy& hierarchy, const std::string& process,
                              const std::string& root) {
  const std::optional<GroupPath> path = FindGroupPath(hierarchy, process, root);
  if (!path) return kUnlimited;
  fs::path directory = path->directory;
  uint64_t available = AvailableInGroup(hierarchy, path->top);
  while (directory.native().size() > path->top.native().size()) {
    available = std::min(available, AvailableInGroup(hierarchy, directory));
    directory = directory.parent_path();
  }
  return available;
}

std::string Megabytes(uint64_t bytes) { return std::to_string(bytes / kMegabyte) + " MB"; }

}  // namespace

uint64_t AvailableMemory(const std::string& process, const std::string& root) {
  const std::string path = root + "/proc/meminfo";
  const uint64_t machine = ReadField(path, "MemAvailable:") * 1024;
  if (machine == 0) throw Error(EIO, path + ": no MemAvailable");
  return std::min({machine, AvailableInHierarchy(kUnified, process, root),
                   AvailableInHierarchy(kMemoryV1, process, root)});
}

std::optional<fs::path> MemoryCgroup(const std::string& process, const std::string& root) {
  // Where both are mounted, the memory controller is in one of them only: the old one, if there.
  auto path = FindGroupPath(kMemoryV1, process, root);
  if (!path) path = FindGroupPath(kUnified, process, root);
  return path ? std::optional(path->directory) : std::nullopt;
}

uint64_t MachineMemory(const std::string& root) {
  return ReadField(root + "/proc/meminfo", "MemTotal:") * 1024;
}

void CheckMemoryAvailable(uint32_t count, uint64_t bytes) {
  CheckMemoryAvailable(std::to_string(count) + " buffers x " + std::to_string(bytes) + " bytes",
                       count * bytes);
}

void CheckMemoryAvailable(const std::string& what, uint64_t total) {
  const uint64_t available = AvailableMemory();
  if (total <= available) return;
  throw Error(ENOMEM, what + " = " + Megabytes(total) + ", available " + Megabytes(available) +
                          ": ask for fewer or smaller buffers");
}

}  // namespace grabfs
