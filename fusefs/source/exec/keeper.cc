// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/exec/keeper.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs {
namespace {

constexpr char kName[] = "grabfs-keeper";
// name, "user" or "same", uid, gid, account, home, program
constexpr int kArguments = 7;
constexpr char kUser[] = "user";
constexpr char kSame[] = "same";

// --- The daemon's side

// Frees what posix_spawn(3) is given.
class SpawnActions {
 public:
  SpawnActions() { posix_spawn_file_actions_init(&actions_); }
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class SpawnAttributes {
 public:
  SpawnAttributes() { posix_spawnattr_init(&attributes_); }
  ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  posix_spawnattr_t* get() { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

// Above kSocket, so that dup2() to the keeper's descriptors overwrites none of these.
UniqueFd MovedUp(int fd) { return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 10)); }

// --- The keeper's side

void Report(KeeperReport::Kind kind, int value) {
  const KeeperReport report = {kind, value};
  (void)!::write(Keeper::kSocket, &report, sizeof report);
}

// Where the daemon is root, and where it was given single capabilities: the program has none, nor
// can it get any from a file that it executes.
void DropCapabilities() {
  for (unsigned capability = 0; capability < 64; ++capability) {
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno == EINVAL) break;
  }
  (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

bool ClearCapabilitySets() {
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> none{};
  return ::syscall(SYS_capset, &header, none.data()) == 0;
}

// Returns false, with errno, when a right is left.
bool DropRights(char** argv) {
  const auto uid = static_cast<uid_t>(std::strtoul(argv[2], nullptr, 10));
  const auto gid = static_cast<gid_t>(std::strtoul(argv[3], nullptr, 10));
  DropCapabilities();
  if (std::strcmp(argv[1], kUser) == 0) {
    const bool grouped =
        argv[4][0] == '\0' ? ::setgroups(0, nullptr) == 0 : ::initgroups(argv[4], gid) == 0;
    if (!grouped || ::setresgid(gid, gid, gid) != 0 || ::setresuid(uid, uid, uid) != 0) {
      return false;
    }
  }
  if (!ClearCapabilitySets() || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  const rlimit no_core = {0, 0};
  (void)::setrlimit(RLIMIT_CORE, &no_core);
  // The daemon raises its own; select(2) cannot have more.
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > FD_SETSIZE) {
    files.rlim_cur = FD_SETSIZE;
    (void)::setrlimit(RLIMIT_NOFILE, &files);
  }
  ::umask(022);
  return true;
}

[[noreturn]] void BecomeProgram(char** argv) {
  std::string home = std::string("HOME=") + argv[5];
  std::string user = std::string("USER=") + argv[4];
  std::string path = "PATH=/usr/local/bin:/usr/bin:/bin";
  std::string language = "LANG=C.UTF-8";
  std::array<char*, 5> environment = {path.data(), language.data(), home.data(),
                                      argv[4][0] == '\0' ? nullptr : user.data(), nullptr};
  std::array<char*, 2> arguments = {argv[6], nullptr};
  const bool dropped = DropRights(argv);
  // After the change of user, which clears it. The parent is init.
  if (dropped && ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0) {
    (void)::fcntl(Keeper::kSocket, F_SETFD, FD_CLOEXEC);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execve(argv[6], arguments.data(), environment.data());
  }
  Report(KeeperReport::Kind::kNotRun, errno);
  ::_exit(127);
}

// Orphans of the program become children of this process.
int Init(char** argv) {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  (void)::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const pid_t program = ::fork();
  if (program == 0) BecomeProgram(argv);
  if (program < 0) {
    Report(KeeperReport::Kind::kNotRun, errno);
    return 1;
  }
  // Pipes end when the program and its children close them.
  (void)::close(STDOUT_FILENO);
  (void)::close(STDERR_FILENO);
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, 0);
    if (ended < 0 && errno != EINTR) return 1;
    if (ended != program) continue;
    Report(KeeperReport::Kind::kEnded, status);
    return 0;
  }
}

// Waits until init has ended, or the daemon wants it or is gone.
void Supervise(pid_t init) {
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, init, 0)));
  std::array<pollfd, 2> fds = {{{.fd = Keeper::kSocket, .events = POLLIN, .revents = 0},
                                {.fd = process.get(), .events = POLLIN, .revents = 0}}};
  while (::poll(fds.data(), fds.size(), -1) < 0 && errno == EINTR) {
  }
  if (fds[1].revents == 0) {
    (void)::kill(0, SIGTERM);
    (void)::poll(&fds[1], 1, static_cast<int>(Keeper::kGrace.count()));
  }
}

}  // namespace

int Keeper::Start(const KeeperOrder& order, int output, int errors, int socket) {
  std::array<std::string, kArguments> words = {kName,
                                               order.change_user ? kUser : kSame,
                                               std::to_string(order.uid),
                                               std::to_string(order.gid),
                                               order.account,
                                               order.home,
                                               order.program};
  std::array<char*, kArguments + 1> argv{};
  for (size_t i = 0; i < words.size(); ++i) argv[i] = words[i].data();
  std::array<char*, 1> environment = {nullptr};

  const UniqueFd out = MovedUp(output);
  const UniqueFd err = MovedUp(errors);
  const UniqueFd line = MovedUp(socket);
  if (!out.valid() || !err.valid() || !line.valid()) ThrowErrno(order.program);
  SpawnActions actions;
  posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(actions.get(), out.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(actions.get(), err.get(), STDERR_FILENO);
  posix_spawn_file_actions_adddup2(actions.get(), line.get(), kSocket);
  posix_spawn_file_actions_addclosefrom_np(actions.get(), kSocket + 1);

  SpawnAttributes attributes;
  sigset_t all;
  sigfillset(&all);
  posix_spawnattr_setsigdefault(attributes.get(), &all);
  posix_spawnattr_setsigmask(attributes.get(), &all);
  posix_spawnattr_setflags(attributes.get(),
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  pid_t keeper = -1;
  const int error = ::posix_spawn(&keeper, "/proc/self/exe", actions.get(), attributes.get(),
                                  argv.data(), environment.data());
  if (error != 0) throw Error(error, order.program + ": no process for it: " + ErrnoText(error));
  return keeper;
}

bool Keeper::IsKeeper(int argc, char** argv) {
  return argc == kArguments && std::strcmp(argv[0], kName) == 0;
}

int Keeper::Main(char** argv) {
  (void)!::chdir("/");
  (void)::unshare(CLONE_NEWPID);  // refused without privileges
  const pid_t init = ::fork();
  if (init == 0) return Init(argv);
  if (init < 0) {
    Report(KeeperReport::Kind::kNotRun, errno);
    return 1;
  }
  (void)::close(STDOUT_FILENO);
  (void)::close(STDERR_FILENO);
  Supervise(init);
  (void)::kill(init, SIGKILL);
  (void)::waitpid(init, nullptr, 0);
  (void)::kill(0, SIGKILL);  // this process, too
  return 0;
}

}  // namespace grabfs
