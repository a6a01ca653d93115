// SPDX-License-Identifier: Apache-2.0
//
// The machine's part of `doctor`.
#include <fcntl.h>
#include <linux/capability.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "cli/base/file.h"
#include "cli/base/process.h"
#include "cli/base/text.h"
#include "cli/doctor/health.h"
#include "fusefs/base/error.h"
#include "fusefs/base/request_timeout.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::cli {
namespace {

using enum Finding::Severity;

// Text of a file that may be absent.
std::string ReadIfThere(const std::filesystem::path& path) {
  try {
    return Trim(ReadFile(path));
  } catch (const Error&) {
    return "";
  }
}

Finding ExamineKernel(const SystemPaths& system) {
  const std::string release = ReadIfThere(system.proc / "sys" / "kernel" / "osrelease");
  int version = 0;
  int patch = 0;
  std::sscanf(release.c_str(), "%d.%d", &version, &patch);
  if (version > 6 || (version == 6 && patch >= 9)) {
    return {kGood, "kernel", release + " has FUSE passthrough: readers get the pages themselves",
            ""};
  }
  return {kSlow, "kernel", release + " has no FUSE passthrough: frames are copied once",
          "Linux 6.9 or later gives zero copies"};
}

Finding ExamineDevFuse(const SystemPaths& system) {
  const std::string path = (system.dev / "fuse").string();
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (fd.valid()) return {kGood, path, "can be opened", ""};
  const std::string text = ErrnoText(errno);
  return {kBroken, path, "cannot be opened: " + text,
          errno == ENOENT || errno == ENODEV ? "load the module: modprobe fuse"
                                             : "chmod 0666 " + path + ", or mount as root"};
}

Finding ExamineFusermount(const Context& context) {
  if (const auto program = FindProgram(context, "fusermount3")) {
    return {kGood, "fusermount3", program->string(), ""};
  }
  const bool root = ::geteuid() == 0;
  return {root ? kNote : kBroken, "fusermount3", "is not installed: only root can mount",
          "apt-get install fuse3"};
}

// Passthrough asks for CAP_SYS_ADMIN of the daemon.
Finding ExaminePrivilege(const SystemPaths& system) {
  std::istringstream lines(ReadIfThere(system.proc / "self" / "status"));
  unsigned long long effective = 0;
  for (std::string line; std::getline(lines, line);) {
    if (std::sscanf(line.c_str(), "CapEff: %llx", &effective) == 1) break;
  }
  if ((effective >> CAP_SYS_ADMIN & 1) != 0) {
    return {kGood, "privilege", "a mount made by this user can use passthrough", ""};
  }
  return {kSlow, "privilege", "a mount made by this user copies frames once (no CAP_SYS_ADMIN)",
          "mount as root with -o allow_other for zero copies"};
}

// "always within_size [advise] never deny force" -> "advise"
std::string Chosen(const std::string& choices) {
  const size_t begin = choices.find('[');
  const size_t end = choices.find(']', begin);
  return end == std::string::npos ? choices : choices.substr(begin + 1, end - begin - 1);
}

Finding ExamineHugePages(const SystemPaths& system) {
  const std::filesystem::path file =
      system.sys / "kernel" / "mm" / "transparent_hugepage" / "shmem_enabled";
  const std::string choices = ReadIfThere(file);
  if (choices.empty()) {
    return {kSlow, "huge pages",
            "this kernel has none for shared memory: more faults for a mapping",
            "CONFIG_TRANSPARENT_HUGEPAGE"};
  }
  const std::string chosen = Chosen(choices);
  if (chosen == "deny") {
    return {kSlow, "huge pages", file.string() + " is deny: 512 times the faults for a mapping",
            "echo advise > " + file.string()};
  }
  return {kGood, "huge pages", "allowed (shmem_enabled is " + chosen + ")", ""};
}

Finding ExamineModule(const SystemPaths& system) {
  std::vector<std::string> boards;
  std::error_code unreadable;
  for (std::filesystem::directory_iterator entry(system.dev, unreadable), end;
       !unreadable && entry != end; entry.increment(unreadable)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with("grabdma")) boards.push_back((system.dev / name).string());
  }
  if (!boards.empty()) {
    return {kGood, "grabdma",
            "drives " + Join(boards, ", ") +
                "; with memory=grabdma any device takes its buffers there, whose frames stand "
                "programs that leave pins behind",
            ""};
  }
  if (std::filesystem::exists(system.sys / "module" / "grabdma", unreadable)) {
    return {kNote, "grabdma", "is loaded, but found no board",
            "modprobe grabdma_virtual makes one"};
  }
  return {kNote, "grabdma",
          "is not loaded; DMA hardware needs this module, and devices with memory=grabdma, whose "
          "frames stand programs that leave pins behind",
          "modprobe grabdma_virtual, if there is need of it; boards load theirs by themselves"};
}

Finding ExamineRequestTimeout(const SystemPaths& system) {
  const auto warning = RequestTimeoutWarning((system.proc / "sys" / "fs" / "fuse").string());
  if (!warning) return {kGood, "request timeout", "readers may wait for as long as they like", ""};
  // FINDING: ADVICE
  const size_t colon = warning->find(": ");
  return {kBroken, "request timeout", warning->substr(0, colon), warning->substr(colon + 2)};
}

}  // namespace

std::vector<Finding> ExamineSystem(const Context& context) {
  const SystemPaths& system = context.system;
  return {ExamineKernel(system),        ExamineDevFuse(system),   ExamineFusermount(context),
          ExaminePrivilege(system),     ExamineHugePages(system), ExamineModule(system),
          ExamineRequestTimeout(system)};
}

}  // namespace grabfs::cli
