// SPDX-License-Identifier: Apache-2.0
#include "fusefs/fuse/sentinel.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>

#include "fusefs/base/log.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs {
namespace {

constexpr char kName[] = "grabfs-sentinel";
constexpr int kArguments = 4;  // name, mount point, number of the connection, daemon
// How long a killed daemon may take to end by itself.
constexpr std::chrono::milliseconds kPatience{1000};
constexpr std::chrono::milliseconds kPoll{20};

// Threads of the daemon besides its first one, which is a zombie until somebody reaps it.
bool HasThreads(const std::string& daemon) {
  std::error_code error;
  int threads = 0;
  for ([[maybe_unused]] const auto& thread :
       std::filesystem::directory_iterator("/proc/" + daemon + "/task", error)) {
    ++threads;
  }
  return !error && threads > 1;
}

void Abort(const std::string& mountpoint, const std::string& connection) {
  // The control file belongs to the user who mounted (Documentation/filesystems/fuse.rst).
  const UniqueFd control(
      open(("/sys/fs/fuse/connections/" + connection + "/abort").c_str(), O_WRONLY | O_CLOEXEC));
  if (control.valid() && write(control.get(), "1", 1) == 1) return;
  // Where fusectl is not mounted, root can force it.
  (void)umount2(mountpoint.c_str(), MNT_FORCE);
}

}  // namespace

Sentinel::Sentinel(const std::string& mountpoint, dev_t device) {
  std::string name = kName;
  std::string path = mountpoint;
  std::string connection = std::to_string(minor(device));
  std::string daemon = std::to_string(getpid());
  std::array<char*, kArguments + 1> argv = {name.data(), path.data(), connection.data(),
                                            daemon.data(), nullptr};
  process_ = fork();
  if (process_ == 0) {
    // Not to hold what the daemon holds, nor what its caller waits to be closed; exec drops memory.
    (void)syscall(SYS_close_range, 0U, ~0U, 0U);
    execv("/proc/self/exe", argv.data());
    _exit(1);
  }
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
  const std::string connection = argv[2];
  const std::string daemon = argv[3];
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  (void)setsid();
  // Sent when the thread that forked us dies, even if other threads cannot.
  prctl(PR_SET_PDEATHSIG, SIGUSR1);
  if (std::to_string(getppid()) == daemon) {
    sigset_t death;
    sigemptyset(&death);
    sigaddset(&death, SIGUSR1);
    int signal = 0;
    (void)sigwait(&death, &signal);
  }
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (HasThreads(daemon)) {
    if (std::chrono::steady_clock::now() >= deadline) {
      Abort(mountpoint, connection);
      return 0;
    }
    std::this_thread::sleep_for(kPoll);
  }
  return 0;
}

}  // namespace grabfs
