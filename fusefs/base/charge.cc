// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/charge.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <new>
#include <string>

#include "fusefs/base/error.h"
#include "fusefs/base/memory_limit.h"
#include "fusefs/base/mutex.h"

namespace grabfs {
namespace {

constexpr std::chrono::milliseconds kPatience{100};
constexpr size_t kStackBytes = size_t{64} << 10;

// Shared by both processes and the daemon.
struct Outcome {
  pid_t worker = 0;
  int error = ENOMEM;  // remains if the OOM killer ends the worker
  bool joined = false;
};

class SharedOutcome {
 public:
  SharedOutcome() {
    void* const place =
        ::mmap(nullptr, sizeof(Outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) ThrowErrno("memory for a helper");
    outcome_ = new (place) Outcome;
  }
  ~SharedOutcome() { ::munmap(outcome_, sizeof(Outcome)); }
  SharedOutcome(const SharedOutcome&) = delete;
  SharedOutcome& operator=(const SharedOutcome&) = delete;

  [[nodiscard]] Outcome* get() const { return outcome_; }

 private:
  Outcome* outcome_;
};

// The worker's argument, in the address space that it shares with the payer.
struct Order {
  int procs;
  pid_t payer;
  const std::function<int()>* work;
  Outcome* outcome;
};

bool Join(int procs, pid_t pid) noexcept {
  std::array<char, 16> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), pid).ptr;
  const auto length = static_cast<size_t>(end - text.data());
  return procs >= 0 && ::write(procs, text.data(), length) == static_cast<ssize_t>(length);
}

// The worker kills the payer at its end: a frozen payer cannot exit by itself.
int BeWorker(void* argument) noexcept {
  const auto& order = *static_cast<const Order*>(argument);
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  order.outcome->joined = Join(order.procs, order.payer);
  order.outcome->error = (*order.work)();
  (void)::kill(order.payer, SIGKILL);
  return 0;
}

// Let the OOM killer take these two before any process of the user.
void BeExpendable() noexcept {
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  (void)!::write(fd, "1000", 4);
  ::close(fd);
}

// Returns only if clone() failed, or if the worker died before it could kill the payer.
void BePayer(int procs, const std::function<int()>& work, Outcome* outcome) noexcept {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  (void)::setpgid(0, 0);
  BeExpendable();
  outcome->worker = 0;  // the page is here, and can be written by the kernel
  alignas(16) std::byte stack[kStackBytes];
  Order order{procs, ::getpid(), &work, outcome};
  constexpr int kFlags =
      CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD;
  if (::clone(BeWorker, stack + sizeof stack, kFlags, &order, &outcome->worker) < 0) {
    outcome->error = errno;
  }
}

void Reap(pid_t process) {
  while (::waitpid(process, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// Waits for the end of a process of the group. True: all were killed because `gives_up` said so.
bool AwaitEnd(pid_t process, pid_t group, const std::function<bool()>& gives_up) {
  const UniqueFd watch(static_cast<int>(::syscall(SYS_pidfd_open, process, 0U)));
  bool given_up = false;
  while (gives_up && watch.valid() && !given_up) {
    pollfd ended{watch.get(), POLLIN, 0};
    const int ready = ::poll(&ended, 1, static_cast<int>(kPatience.count()));
    if (ready > 0) break;
    if (ready == 0) given_up = gives_up();
  }
  if (given_up) (void)::kill(-group, SIGKILL);
  Reap(process);
  return given_up;
}

}  // namespace

Account Account::Of(pid_t pid) {
  Account account;
  if (pid <= 0) return account;
  const auto group = MemoryCgroup(std::to_string(pid));
  if (!group) return account;
  if (group == MemoryCgroup("self")) {
    account.callers_ = true;
    return account;
  }
  account.procs_.reset(::open((*group / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  return account;
}

ChargedWork RunCharged(const Account& account, const std::function<int()>& work,
                       const std::function<bool()>& gives_up) {
  MayWait("another process");
  const SharedOutcome outcome;
  const auto payer = static_cast<pid_t>(
      ::syscall(SYS_clone, CLONE_FILES | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (payer == 0) {
    BePayer(account.procs_.get(), work, outcome.get());
    ::_exit(0);
  }
  if (payer < 0) return {errno, false};
  (void)::setpgid(
      payer,
      payer);  // parent or child, whichever runs first: one kill() then reaches both processes
  bool given_up = AwaitEnd(payer, payer, gives_up);
  // Somebody may have stopped the worker after it killed the payer.
  const pid_t worker = outcome.get()->worker;
  if (worker > 0) given_up = AwaitEnd(worker, payer, gives_up) || given_up;
  const int error = given_up ? EINTR : outcome.get()->error;
  return {error, account.callers_ || outcome.get()->joined};
}

}  // namespace grabfs
