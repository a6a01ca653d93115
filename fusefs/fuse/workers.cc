// SPDX-License-Identifier: Apache-2.0
#include "fusefs/fuse/workers.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/base/mutex.h"
#include "fusefs/base/thread.h"
#include "fusefs/fuse/fuse.h"
#include "fusefs/vfs/inode.h"

namespace grabfs {
namespace {

constexpr size_t kMaxThreads = 16;
// How many of them may serve requests of one device and user. Three such that hang leave one.
constexpr unsigned kThreadsOfOneOwner = 5;
// Requests of one user in the queue. We know of no program with more threads that all wait for a
// device. Each request may carry a megabyte of data.
constexpr size_t kMaxWaitingOfOne = 256;
// Requests of all users in the queue; beyond that they stay in the kernel.
constexpr size_t kMaxWaiting = 4096;
// How long the leader polls: a client that makes its next call at once needs less than this.
constexpr std::chrono::microseconds kPollTime{100};
// After this time without a request, deferred replies are sent: a client that closes a file and
// opens the next one at once needs less.
constexpr std::chrono::microseconds kPauseTime{20};
// Few, because deferred replies count against the kernel's max_background.
constexpr size_t kMaxDeferredReplies = 4;
// How long to wait when the kernel has no memory for a request.
constexpr std::chrono::milliseconds kPause{10};

thread_local bool refuses = false;

void MakeNonBlocking(int fd) {
  const int flags = CheckSyscall(::fcntl(fd, F_GETFL), "/dev/fuse");
  CheckSyscall(::fcntl(fd, F_SETFL, flags | O_NONBLOCK), "/dev/fuse");
}

}  // namespace

// A request and the buffer that it was read into, which is reused.
class Workers::Request {
 public:
  Request() = default;
  ~Request() { std::free(buffer_.mem); }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  // Its length, 0 when the session has ended, or -errno.
  int Receive(fuse_session* session) { return fuse_session_receive_buf(session, &buffer_); }

  void Serve(fuse_session* session) {
    const bool agreeing = Opcode() == FUSE_INIT;
    fuse_session_process_buf(session, &buffer_);
    // FUSE_INIT may have negotiated larger requests than the buffer can hold.
    if (agreeing) std::free(std::exchange(buffer_, {}).mem);
  }

  // Serving it never waits: not for a device, nor for memory allocation, nor for another request;
  // and it copies little. base/mutex.h checks that.
  [[nodiscard]] bool IsQuick() const {
    switch (Opcode()) {
      case FUSE_INIT:
      case FUSE_LOOKUP:
      case FUSE_FORGET:
      case FUSE_BATCH_FORGET:
      case FUSE_GETATTR:
      case FUSE_OPEN:
      case FUSE_RELEASE:
      case FUSE_OPENDIR:
      case FUSE_RELEASEDIR:
      case FUSE_WRITE:
      case FUSE_POLL:
      case FUSE_INTERRUPT:
        return true;
      default:
        return false;
    }
  }

  // Programs do not expect EDQUOT from close().
  [[nodiscard]] bool CanBeRefused() const {
    return HasHeader() && Opcode() != FUSE_FLUSH && Opcode() != FUSE_DESTROY;
  }

  [[nodiscard]] JobOwner owner() const {
    if (!HasHeader()) return {};
    const Inode inode = Inode::Decode(Header().nodeid);
    const bool alloc = inode.kind == NodeKind::kAllocDir || inode.kind == NodeKind::kAllocFile;
    return {.place = alloc ? kAlloc : inode.device, .user = Header().uid};
  }

 private:
  static constexpr uint32_t kAlloc = UINT32_MAX;

  // libfuse may have spliced a long request into a pipe; then the header is not in memory.
  [[nodiscard]] bool HasHeader() const { return (buffer_.flags & FUSE_BUF_IS_FD) == 0; }
  [[nodiscard]] const fuse_in_header& Header() const {
    return *static_cast<const fuse_in_header*>(buffer_.mem);
  }
  // 0, which is no opcode, if the header is not in memory.
  [[nodiscard]] uint32_t Opcode() const { return HasHeader() ? Header().opcode : 0; }

  fuse_buf buffer_ = {};
};

Workers::Workers(fuse_session* session)
    : session_(session),
      stop_(CheckSyscall(::eventfd(0, EFD_CLOEXEC), "eventfd")),
      may_poll_(std::thread::hardware_concurrency() > 1),
      queue_(kThreadsOfOneOwner) {
  MakeNonBlocking(fuse_session_fd(session));
}

Workers::~Workers() = default;

void Workers::Run() {
  Work();
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
  if (error_ != 0) throw Error(error_, "serving the mount: " + ErrnoText(error_));
}

void Workers::Stop() {
  fuse_session_exit(session_);
  ::eventfd_write(stop_.get(), 1);
}

void Workers::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (auto job = led_ || ended_ ? queue_.Next() : Lead(lock)) {
      Serve(lock, std::move(*job));
    } else if (ended_) {
      return;
    } else {
      ++standing_by_;
      changed_.wait(lock);
      --standing_by_;
    }
  }
}

void Workers::Serve(std::unique_lock<Mutex>& lock, Job job) {
  lock.unlock();
  job.item->Serve(session_);
  lock.lock();
  queue_.Done(job.owner);
  has_room_.notify_one();
  if (spare_.size() < kMaxThreads) spare_.push_back(std::move(job.item));
}

std::optional<Workers::Job> Workers::Lead(std::unique_lock<Mutex>& lock) {
  led_ = true;
  std::optional<Job> job;
  while (!ended_ && !job) {
    lock.unlock();
    RequestPtr slow = TakeSlow();
    SendDeferredReplies();
    lock.lock();
    if (slow) {
      const JobOwner owner = slow->owner();
      if (slow->CanBeRefused() && queue_.WaitingOf(owner.user) >= kMaxWaitingOfOne) {
        lock.unlock();
        Refuse(*slow);
        lock.lock();
        spare_.push_back(std::move(slow));
        continue;
      }
      queue_.Add({owner, std::move(slow)});
      // If there is no other thread at all, this one must serve it, and no thread leads meanwhile.
      if (queue_.Ready() && (FindLeader() || threads_.empty())) job = queue_.Next();
      if (!job) has_room_.wait(lock, [this] { return queue_.waiting() < kMaxWaiting; });
    } else {
      ended_ = true;
      changed_.notify_all();
    }
  }
  led_ = false;
  return job;
}

bool Workers::Refuses() { return refuses; }

void Workers::Refuse(Request& request) {
  refuses = true;
  request.Serve(session_);
  refuses = false;
}

Workers::RequestPtr Workers::TakeSlow() {
  RequestPtr request = SpareRequest();
  while (Take(*request)) {
    if (!request->IsQuick()) return request;
    client_is_waking_ = true;
    {
      const NoWaiting leader;
      request->Serve(session_);
    }
    if (std::exchange(restart_, false)) return request;
    if (deferred_replies_.size() == kMaxDeferredReplies) SendDeferredReplies();
  }
  return nullptr;
}

Workers::RequestPtr Workers::SpareRequest() {
  const std::lock_guard lock(mutex_);
  if (spare_.empty()) return std::make_unique<Request>();
  RequestPtr request = std::move(spare_.back());
  spare_.pop_back();
  return request;
}

bool Workers::HasTime(Clock::duration idle) const {
  return client_is_waking_ || !polling_ || idle > kPauseTime;
}

void Workers::ReplyLater(fuse_req* request) {
  deferred_replies_.push_back(request);
  client_is_waking_ = false;
}

void Workers::RestartOnWorker(fuse_req* request) {
  restart_ = true;
  fuse_reply_none(request);
}

void Workers::SendDeferredReplies() {
  for (fuse_req* request : deferred_replies_) fuse_reply_err(request, 0);
  deferred_replies_.clear();
}

bool Workers::Take(Request& request) {
  const auto since = Clock::now();
  while (!fuse_session_exited(session_)) {
    const int got = request.Receive(session_);
    if (got > 0) return true;
    if (got == 0) break;
    if (got != -EAGAIN && got != -EINTR) {
      if (IsEnd(-got) || !Pause()) break;
      continue;
    }
    const Clock::duration idle = Clock::now() - since;
    if (HasTime(idle)) SendDeferredReplies();
    if (polling_ && idle < kPollTime) continue;
    if (!Sleep()) break;
    // Poll before the next sleep if this request came within the time that polling takes.
    polling_ = may_poll_ && Clock::now() - since < kPollTime;
  }
  return false;
}

// Without memory the kernel keeps the request, or fails that one request. The mount goes on.
bool Workers::IsEnd(int code) {
  if (code == ENOMEM || code == ENOBUFS || code == EFAULT) return false;
  const std::lock_guard lock(mutex_);
  error_ = code;
  return true;
}

bool Workers::Sleep() {
  std::array<pollfd, 2> events = {
      {{fuse_session_fd(session_), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
  const int ready = ::poll(events.data(), events.size(), -1);
  return ready < 0 || events[1].revents == 0;
}

bool Workers::Pause() {
  pollfd stop = {stop_.get(), POLLIN, 0};
  return ::poll(&stop, 1, static_cast<int>(kPause.count())) <= 0;
}

bool Workers::FindLeader() {
  if (standing_by_ > 0) {
    changed_.notify_one();
    return true;
  }
  if (threads_.size() + 1 == kMaxThreads) return false;
  try {
    threads_.push_back(StartThread("a worker", [this] { Work(); }));
    return true;
  } catch (const std::system_error&) {
    return false;  // the system has no more threads: this one goes on leading
  }
}

}  // namespace grabfs
