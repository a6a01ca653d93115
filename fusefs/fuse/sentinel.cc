// SPDX-License-Identifier: Apache-2.0
#include "fusefs/fuse/sentinel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>

#include "fusefs/base/detach_mount.h"
#include "fusefs/base/log.h"
#include "fusefs/base/mount_info.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kName[] = "grabfs-sentinel";
constexpr int kArguments = 4;  // name, mount point, device number of the mount, pid of the daemon
// Descriptors of the sentinel: the daemon's pidfd, and the file that aborts the connection, if
// fusectl is mounted.
constexpr int kDaemon = 0;
constexpr int kAbort = 1;
// How long a killed daemon may take to exit by itself.
constexpr std::chrono::milliseconds kPatience{1000};
constexpr std::chrono::milliseconds kPoll{20};

// Above kDaemon and kAbort, so that dup2() to those overwrites neither.
UniqueFd MovedUp(int fd) { return UniqueFd(fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 10)); }

UniqueFd OwnProcess() {
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  return MovedUp(process.get());
}

// The file belongs to the user who mounted (Documentation/filesystems/fuse.rst).
UniqueFd AbortFile(dev_t device) {
  const std::string path = "/sys/fs/fuse/connections/" + std::to_string(minor(device)) + "/abort";
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return MovedUp(file.get());
}

[[noreturn]] void Become(char** argv, const UniqueFd& daemon, const UniqueFd& abort) {
  const bool known = dup2(daemon.get(), kDaemon) == kDaemon;
  if (abort.valid()) (void)dup2(abort.get(), kAbort);
  // Closes inherited descriptors: /dev/fuse, and the pipe whose end the daemon's caller waits for.
  // The exec drops the memory.
  (void)syscall(SYS_close_range, abort.valid() ? kAbort + 1U : kAbort, ~0U, 0U);
  if (known) execv("/proc/self/exe", argv);
  _exit(1);
}

bool HasEnded() {
  pollfd process = {kDaemon, POLLIN, 0};
  return poll(&process, 1, 0) != 0;
}

// The first thread of the daemon, which is a zombie while others live on.
bool FirstThreadHasEnded(const std::string& daemon) {
  if (HasEnded()) return true;  // checked first, so the pid is not reused below
  std::ifstream file("/proc/" + daemon + "/stat");
  std::string stat;
  std::getline(file, stat);
  const size_t state_at = stat.rfind(')') + 2;  // NUMBER (NAME) STATE ..., see proc(5)
  const char state = state_at < stat.size() ? stat[state_at] : '\0';
  return state == 'Z' || state == 'X';
}

// Polls until `condition` holds; false: it does not within kPatience.
template <typename Condition>
bool Comes(Condition condition) {
  const auto deadline = Clock::now() + kPatience;
  while (!condition()) {
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

// The signal comes when the first thread has ended, or from an unrelated process.
void AwaitDeath(const std::string& daemon) {
  sigset_t death;
  sigemptyset(&death);
  sigaddset(&death, SIGUSR1);
  prctl(PR_SET_PDEATHSIG, SIGUSR1);
  // It may have ended before prctl(). A signal that comes from now on stays pending.
  if (FirstThreadHasEnded(daemon)) return;
  int signal = 0;
  do {
    (void)sigwait(&death, &signal);
  } while (!Comes([&daemon] { return FirstThreadHasEnded(daemon); }));
}

void Abort(const std::string& mountpoint, dev_t device) {
  const bool aborted = write(kAbort, "1", 1) == 1;
  if (MountDeviceNumber(mountpoint) != device) return;  // it was unmounted
  // Without fusectl, umount2(MNT_FORCE) aborts the connection; only root may call it.
  if (!aborted) (void)umount2(mountpoint.c_str(), MNT_FORCE);
  (void)DetachMount(mountpoint);
}

}  // namespace

Sentinel::Sentinel(const std::string& mountpoint, dev_t device) {
  std::string name = kName;
  std::string path = mountpoint;
  std::string number = std::to_string(device);
  std::string daemon = std::to_string(getpid());
  std::array<char*, kArguments + 1> argv = {name.data(), path.data(), number.data(), daemon.data(),
                                            nullptr};
  const UniqueFd process = OwnProcess();
  const UniqueFd abort = AbortFile(device);
  process_ = fork();
  if (process_ == 0) Become(argv.data(), process, abort);
  if (process_ < 0) LogWarning("no sentinel: a daemon killed at a bad moment may not end");
}

Sentinel::~Sentinel() {
  if (process_ < 0) return;
  (void)kill(process_, SIGKILL);
  (void)waitpid(process_, nullptr, 0);
}

bool Sentinel::IsSentinel(int argc, char** argv) {
  return argc == kArguments && std::strcmp(argv[0], kName) == 0;
}

int Sentinel::Main(char** argv) {
  const std::string mountpoint = argv[1];
  const dev_t device = std::stoull(argv[2]);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  (void)setsid();
  AwaitDeath(argv[3]);
  if (!Comes(HasEnded)) Abort(mountpoint, device);
  return 0;
}

}  // namespace grabfs
