// SPDX-License-Identifier: Apache-2.0
#include "fusefs/fuse/announcer.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/base/log.h"
#include "fusefs/base/thread.h"

namespace grabfs {
namespace {

constexpr char kName[] = "grabfs-announcer";
constexpr int kArguments = 3;  // name, mount point, device number of the mount
constexpr int kSocket = 0;     // the process's end
// The first byte of a message; the path follows.
constexpr char kMake = '+';
constexpr char kUnlink = '-';

// Does what the message says. Returns the errno, or 0.
int Perform(const std::string& mountpoint, dev_t device, char what, const char* path) {
  const UniqueFd root(open(mountpoint.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat stat = {};
  if (!root.valid() || fstat(root.get(), &stat) != 0) return errno;
  if (stat.st_dev != device) return ESTALE;  // something else is mounted over us
  if (what == kUnlink) return unlinkat(root.get(), path, 0) == 0 ? 0 : errno;
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const UniqueFd made(openat(root.get(), path, kFlags, 0444));
  return made.valid() ? 0 : errno;
}

[[noreturn]] void Become(char** argv, int socket) {
  const bool connected = dup2(socket, kSocket) == kSocket;
  // Closes inherited descriptors, above all /dev/fuse: else the kernel would not notice the death
  // of the daemon. The exec drops the memory.
  (void)syscall(SYS_close_range, kSocket + 1U, ~0U, 0U);
  if (connected) execv("/proc/self/exe", argv);
  _exit(1);
}

}  // namespace

Announcer::Announcer(std::string mountpoint, dev_t device)
    : mountpoint_(std::move(mountpoint)), device_(device) {}

void Announcer::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    changed_.notify_all();
    if (process_ > 0) (void)kill(process_, SIGKILL);
  }
  MayWait("a thread to end");
  if (thread_.joinable()) thread_.join();
}

void Announcer::Announce(uint64_t inode, std::string path, What what) {
  const std::lock_guard lock(mutex_);
  if (stop_) return;
  if (what == What::kMade) {
    if (!thread_.joinable()) thread_ = StartThread("announcer", [this] { Run(); });
  } else {
    const auto waiting = std::ranges::find(queue_, inode, &Job::inode);
    if (waiting != queue_.end()) queue_.erase(waiting);  // nobody has heard of it
    const bool being_made = current_ && current_->inode == inode;
    if (being_made && what == What::kNone) current_->what = What::kNone;
    const bool known = known_.erase(inode) > 0 || being_made;
    if (!known || what == What::kNone) return;
  }
  queue_.push_back({inode, std::move(path), what});
  changed_.notify_all();
}

Announcer::What Announcer::AnnouncementBy(pid_t process, uint64_t inode) const {
  if (process == 0 || process != process_) return What::kNone;
  const std::lock_guard lock(mutex_);
  return current_ && current_->inode == inode ? current_->what : What::kNone;
}

std::optional<Announcer::Job> Announcer::Next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stop_ || !queue_.empty(); });
  if (stop_) return std::nullopt;
  current_ = std::move(queue_.front());
  queue_.pop_front();
  return current_;
}

void Announcer::Run() {
  while (const auto job = Next()) {
    const int code = Carry(*job);
    if (Ended(*job, code)) continue;
    complained_ = code;
    LogWarning("announce: " + job->path + ": " + ErrnoText(code));
  }
  EndProcess();
}

// False: that is worth a line in the log.
bool Announcer::Ended(const Job& job, int code) {
  const std::lock_guard lock(mutex_);
  const bool forgotten = current_->what == What::kNone;
  current_.reset();
  if (job.what == What::kMade && !forgotten) {
    const auto unlink = std::ranges::find(queue_, job.inode, &Job::inode);
    if (code == 0 && unlink == queue_.end()) known_.insert(job.inode);
    if (code != 0 && unlink != queue_.end()) queue_.erase(unlink);
  }
  // The frame may have gone meanwhile, and its device too.
  return code == 0 || code == ENOENT || code == complained_ || forgotten || stop_;
}

int Announcer::Carry(const Job& job) {
  if (!socket_.valid()) StartProcess();
  const std::string message = (job.what == What::kMade ? kMake : kUnlink) + job.path;
  int code = 0;
  if (send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL) >= 0 &&
      recv(socket_.get(), &code, sizeof code, 0) == sizeof code) {
    return code;
  }
  EndProcess();  // it was killed: the next job gets another one
  return ECHILD;
}

void Announcer::StartProcess() {
  std::array<int, 2> ends = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return;
  socket_ = UniqueFd(ends[0]);
  const UniqueFd theirs(ends[1]);
  std::string name = kName;
  std::string path = mountpoint_;
  std::string number = std::to_string(device_);
  std::array<char*, kArguments + 1> argv = {name.data(), path.data(), number.data(), nullptr};
  const pid_t child = fork();
  if (child == 0) Become(argv.data(), theirs.get());
  if (child < 0) return;
  const std::lock_guard lock(mutex_);
  process_ = child;
  if (stop_) (void)kill(child, SIGKILL);
}

void Announcer::EndProcess() {
  socket_.reset();
  pid_t process = 0;
  {
    const std::lock_guard lock(mutex_);
    process = process_.exchange(0);  // before its number can be used again
  }
  if (process == 0) return;
  (void)kill(process, SIGKILL);
  (void)waitpid(process, nullptr, 0);
}

bool Announcer::IsAnnouncer(int argc, char** argv) {
  return argc == kArguments && std::strcmp(argv[0], kName) == 0;
}

int Announcer::Main(char** argv) {
  const std::string mountpoint = argv[1];
  const dev_t device = std::stoull(argv[2]);
  (void)setsid();                 // signals of the terminal are for the daemon
  if (chdir("/") != 0) return 1;  // a working directory would keep its mount busy
  umask(0);
  std::array<char, PATH_MAX> message;
  for (;;) {
    const ssize_t length = recv(kSocket, message.data(), message.size() - 1, 0);
    if (length <= 1) return 0;  // the daemon has ended
    message.at(static_cast<size_t>(length)) = '\0';
    const int code = Perform(mountpoint, device, message[0], message.data() + 1);
    if (send(kSocket, &code, sizeof code, MSG_NOSIGNAL) < 0) return 0;
  }
}

}  // namespace grabfs
