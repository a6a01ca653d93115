// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/charge.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>

#include "fusefs/base/memory_limit.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs {
namespace {

constexpr int kCannotJoin = 255;  // an exit status that is no errno value

struct Account {
  UniqueFd procs;        // cgroup.procs, to be joined; none: nowhere to go
  bool callers = false;  // what is allocated is the caller's, once joined
};

Account FindAccount(pid_t pid) {
  if (pid <= 0) return {};
  const auto group = MemoryCgroup(std::to_string(pid));
  if (!group) return {};
  if (group == MemoryCgroup("self")) return {{}, true};
  UniqueFd procs(::open((*group / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  const bool found = procs.get() >= 0;
  return {std::move(procs), found};
}

// Let the OOM killer take the child before any process of the user.
void BeExpendable() noexcept {
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  (void)!::write(fd, "1000", 4);
  ::close(fd);
}

[[noreturn]] void BeChild(int procs, const std::function<int()>& work) noexcept {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  BeExpendable();
  if (procs >= 0 && ::write(procs, "0", 1) != 1) ::_exit(kCannotJoin);
  ::_exit(work());
}

// The exit status; ENOMEM for a child that was killed, which only the OOM killer does.
int RunChild(int procs, const std::function<int()>& work) {
  const auto child = static_cast<pid_t>(
      ::syscall(SYS_clone, CLONE_FILES | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (child == 0) BeChild(procs, work);
  if (child < 0) return errno;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return errno;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : ENOMEM;
}

}  // namespace

ChargedWork RunCharged(pid_t pid, const std::function<int()>& work) {
  const Account account = FindAccount(pid);
  int error = RunChild(account.procs.get(), work);
  if (error != kCannotJoin) return {error, account.callers};
  error = RunChild(-1, work);
  return {error, false};
}

}  // namespace grabfs
