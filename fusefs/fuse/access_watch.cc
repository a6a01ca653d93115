// SPDX-License-Identifier: Apache-2.0
#include "fusefs/fuse/access_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/base/log.h"
#include "fusefs/base/thread.h"

namespace grabfs {
namespace {

// How often the thread empties the queue, so that it stays short; more often would wake the daemon
// for each read. Whoever needs current data calls Collect().
constexpr std::chrono::milliseconds kPause{100};
constexpr size_t kBufferBytes = 16384;
// Of a FUSE inode: its number, high and low, and a generation; alone or with its parent's.
constexpr int kInodeHandle = 0x81;
constexpr int kInodeAndParentHandle = 0x82;

struct MarkedPlace {
  std::string path;
  uint64_t inode;
};

// Between fork() and _exit(): system calls only. 0, or the errno value.
int MarkOne(int group, const MarkedPlace& place, dev_t device) {
  const int fd = open(place.path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat stat = {};
  if (fd < 0 || fstat(fd, &stat) != 0) return errno;
  // Something else may be mounted over us.
  if (stat.st_dev != device || stat.st_ino != place.inode) return ESTALE;
  constexpr uint64_t kMask = FAN_ACCESS | FAN_EVENT_ON_CHILD;
  return fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_ONLYDIR, kMask, fd, ".") == 0 ? 0 : errno;
}

[[noreturn]] void MarkAndExit(int group, const std::vector<MarkedPlace>& places, dev_t device) {
  // Closes inherited descriptors, above all /dev/fuse: else the kernel would not notice the death
  // of the daemon.
  (void)syscall(SYS_close_range, 0U, static_cast<unsigned>(group) - 1U, 0U);
  (void)syscall(SYS_close_range, static_cast<unsigned>(group) + 1U, ~0U, 0U);
  for (const MarkedPlace& place : places) {
    if (const int code = MarkOne(group, place, device); code != 0) _exit(code);
  }
  _exit(0);
}

// The inode that an event is about; nullopt: it does not say.
std::optional<uint64_t> InodeOf(const fanotify_event_metadata& event) {
  const auto* const begin = reinterpret_cast<const char*>(&event);
  const size_t start = event.metadata_len + offsetof(fanotify_event_info_fid, handle);
  file_handle handle = {};
  std::array<uint32_t, 2> number = {};
  if (event.event_len < start + sizeof handle + sizeof number) return std::nullopt;
  std::memcpy(&handle, begin + start, sizeof handle);
  std::memcpy(&number, begin + start + sizeof handle, sizeof number);
  if (handle.handle_type != kInodeHandle && handle.handle_type != kInodeAndParentHandle) {
    return std::nullopt;
  }
  return uint64_t{number[0]} << 32 | number[1];
}

}  // namespace

AccessWatch::AccessWatch(std::string mountpoint, dev_t device, Listener listener)
    : mountpoint_(std::move(mountpoint)),
      device_(device),
      listener_(std::move(listener)),
      changed_(CheckSyscall(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {}

void AccessWatch::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    marks_changed_.notify_all();
    if (child_ > 0) (void)kill(child_, SIGKILL);
  }
  (void)eventfd_write(changed_.get(), 1);
  MayWait("a thread to end");
  if (thread_.joinable()) thread_.join();
}

void AccessWatch::Watch(std::vector<Directory> directories) {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = std::move(directories);
    wanted_changed_ = true;
    marks_current_ = false;
    if (!thread_.joinable() && !stop_) thread_ = StartThread("fanotify", [this] { Run(); });
  }
  (void)eventfd_write(changed_.get(), 1);
}

void AccessWatch::AwaitMarks(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  (void)marks_changed_.wait_for(lock, patience, [this] { return marks_current_ || stop_; });
}

bool AccessWatch::Collect(uint32_t device) {
  const std::lock_guard lock(mutex_);
  Drain();
  return watched_.contains(device);
}

void AccessWatch::Run() {
  for (bool pausing = false;;) {
    std::optional<std::vector<Directory>> wanted;
    int group = -1;
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return;
      if (std::exchange(wanted_changed_, false)) wanted = wanted_;
      group = group_.get();
    }
    if (wanted) {
      Rebuild(*wanted);
      continue;
    }
    std::array<pollfd, 2> events = {
        {{changed_.get(), POLLIN, 0}, {pausing ? -1 : group, POLLIN, 0}}};
    (void)poll(events.data(), events.size(), pausing ? static_cast<int>(kPause.count()) : -1);
    eventfd_t ignored = 0;
    (void)eventfd_read(changed_.get(), &ignored);
    pausing = events[1].revents != 0;
    if (!pausing) continue;
    const std::lock_guard lock(mutex_);
    Drain();
  }
}

// Makes a new fanotify group instead of changing the old one: marks on the directories of an
// unplugged device could not be removed, because their paths are gone.
void AccessWatch::Rebuild(const std::vector<Directory>& directories) {
  UniqueFd group(
      fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_NONBLOCK | FAN_CLOEXEC, O_RDONLY));
  std::set<uint32_t> watched;
  if (!group.valid()) LogWarning("fanotify: " + ErrnoText(errno) + ": see docs/troubleshooting.md");
  for (auto it = directories.begin(); group.valid() && it != directories.end();) {
    std::vector<Directory> of_device;
    const uint32_t device = it->device;
    for (; it != directories.end() && it->device == device; ++it) of_device.push_back(*it);
    if (Mark(group.get(), of_device)) watched.insert(device);
  }
  const std::lock_guard lock(mutex_);
  Drain();
  std::swap(group_, group);
  watched_.swap(watched);
  listener_.on_lost();
  marks_current_ = !wanted_changed_;
  marks_changed_.notify_all();
}

bool AccessWatch::Mark(int group, const std::vector<Directory>& directories) {
  std::vector<MarkedPlace> places;
  for (const Directory& directory : directories) {
    places.push_back({mountpoint_ + "/" + directory.path, directory.inode});
  }
  MayWait("directories to be looked up");
  const pid_t child = fork();
  if (child == 0) MarkAndExit(group, places, device_);
  if (child < 0) {
    LogWarning("fanotify: fork: " + ErrnoText(errno));
    return false;
  }
  {
    const std::lock_guard lock(mutex_);
    child_ = child;
    if (stop_) (void)kill(child, SIGKILL);
  }
  siginfo_t ended = {};
  while (waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) != 0 &&
         errno == EINTR) {
  }
  int status = 0;
  const std::lock_guard lock(mutex_);
  child_ = -1;
  const bool known = waitpid(child, &status, 0) == child && WIFEXITED(status);
  if (known && WEXITSTATUS(status) == 0) return true;
  if (!stop_) {
    LogWarning("fanotify: " + places.front().path + ": " +
               (known ? ErrnoText(WEXITSTATUS(status)) : std::string("killed")));
  }
  return false;
}

// The events there are, and not those that come meanwhile: they may never end.
void AccessWatch::Drain() {
  if (!group_.valid()) return;
  alignas(fanotify_event_metadata) std::array<char, kBufferBytes> buffer;
  int bytes = 0;  // the kernel counts an event as its header
  if (ioctl(group_.get(), FIONREAD, &bytes) != 0) listener_.on_lost();
  for (int left = bytes / static_cast<int>(FAN_EVENT_METADATA_LEN); left > 0;) {
    ssize_t length = read(group_.get(), buffer.data(), buffer.size());
    if (length < 0 && errno == EINTR) continue;
    if (length < 0 && errno != EAGAIN) listener_.on_lost();
    if (length <= 0) return;
    auto* event = reinterpret_cast<fanotify_event_metadata*>(buffer.data());
    for (; FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length), --left) {
      const auto inode = (event->mask & FAN_Q_OVERFLOW) != 0 ? std::nullopt : InodeOf(*event);
      inode ? listener_.on_access(*inode) : listener_.on_lost();
    }
  }
}

}  // namespace grabfs
