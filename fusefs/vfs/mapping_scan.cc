// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/mapping_scan.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "fusefs/base/mutex.h"

namespace grabfs {
namespace {

// The inode of the initial PID namespace (PROC_PID_INIT_INO, include/linux/proc_ns.h).
constexpr ino_t kInitialPidNamespace = 0xEFFFFFFC;

bool SeesAllProcesses() {
  struct stat info = {};
  if (stat("/proc/self/ns/pid", &info) == 0) return info.st_ino == kInitialPidNamespace;
  // A kernel without PID namespaces has the directory, but not this file in it.
  return errno == ENOENT && stat("/proc/self/ns", &info) == 0;
}

// The process of a thread, by name; empty when there is none.
std::string ProcessOf(pid_t thread) {
  if (thread <= 0) return {};
  std::ifstream status("/proc/" + std::to_string(thread) + "/status");
  for (std::string key, value; status >> key && std::getline(status, value);) {
    if (key == "Tgid:") return value.substr(value.find_first_not_of(" \t"));
  }
  return {};
}

// Init maps no frames, and may be shielded from being read even by root.
constexpr char kInit[] = "1";
// How often a listing may show new processes before the scan gives up.
constexpr int kMaxRounds = 8;

// What is looked for, and what was found.
struct Search {
  dev_t device;
  MappedFor purpose;
  std::unordered_set<uint64_t> inodes;
};

void CollectInodes(std::string_view maps, Search& search) {
  while (!maps.empty()) {
    const size_t end = std::min(maps.find('\n'), maps.size());
    const std::string line(maps.substr(0, end));
    maps.remove_prefix(std::min(end + 1, maps.size()));
    char modes[8] = {};  // "rw-s": the last one is for shared
    unsigned major = 0;
    unsigned minor = 0;
    uint64_t inode = 0;
    if (std::sscanf(line.c_str(), "%*s %7s %*s %x:%x %" SCNu64, modes, &major, &minor, &inode) !=
            4 ||
        makedev(major, minor) != search.device) {
      continue;
    }
    const bool writes = modes[1] == 'w' && modes[3] == 's';
    if (search.purpose == MappedFor::kAnything || writes) search.inodes.insert(inode);
  }
}

bool IsNumber(const std::string& name) {
  return std::ranges::all_of(name, [](unsigned char c) { return std::isdigit(c); });
}

// The maps of a process or thread; nullopt when it lives but cannot be read.
std::optional<std::string> ReadMaps(const std::string& directory) {
  errno = 0;
  std::ifstream file(directory + "/maps");
  if (!file) {
    const bool ended = errno == ENOENT || errno == ESRCH;
    return ended ? std::optional(std::string()) : std::nullopt;
  }
  std::ostringstream maps;
  maps << file.rdbuf();
  return maps.str();
}

// False when the process could not be read although it lives.
bool CollectProcess(const std::string& directory, Search& search) {
  auto maps = ReadMaps(directory);
  if (maps && maps->empty()) {
    // A kernel thread, or a process whose first thread has ended while others go on.
    std::error_code error;
    for (const auto& task : std::filesystem::directory_iterator(directory + "/task", error)) {
      maps = ReadMaps(task.path());
      if (!maps || !maps->empty()) break;
    }
  }
  if (maps) CollectInodes(*maps, search);
  return maps.has_value();
}

}  // namespace

std::optional<std::unordered_set<uint64_t>> ScanMappings(dev_t device, pid_t except,
                                                         MappedFor purpose) {
  MayWait("processes to tell what they map");
  if (!SeesAllProcesses()) return std::nullopt;
  const std::string excepted = ProcessOf(except);
  Search search{device, purpose, {}};
  std::unordered_set<std::string> seen;
  for (int round = 0; round < kMaxRounds; ++round) {
    bool found_new = false;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
      const std::string name = entry.path().filename();
      if (name == kInit || name == excepted || !IsNumber(name) || !seen.insert(name).second)
        continue;
      found_new = true;
      if (!CollectProcess(entry.path(), search)) return std::nullopt;
    }
    if (error) return std::nullopt;
    if (!found_new) return std::move(search.inodes);
  }
  return std::nullopt;
}

}  // namespace grabfs
