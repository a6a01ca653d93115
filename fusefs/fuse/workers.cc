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
#include "fusefs/fuse/fuse.h"

namespace grabfs {
namespace {

constexpr size_t kMaxThreads = 16;
// A client that was answered asks again within this time, if it does so at once.
constexpr std::chrono::microseconds kPollTime{100};
// A client that has closed a file opens the next one within this time, if it does so at once.
constexpr std::chrono::microseconds kPauseTime{20};
// The kernel has no more than twelve requests under way that nobody waits for (max_background).
constexpr size_t kMaxUnanswered = 4;

void MakeNonBlocking(int fd) {
  const int flags = CheckSyscall(::fcntl(fd, F_GETFL), "/dev/fuse");
  CheckSyscall(::fcntl(fd, F_SETFL, flags | O_NONBLOCK), "/dev/fuse");
}

}  // namespace

// A request and the buffer that it came in, which serves for many.
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
    // Larger requests may have been agreed upon than the buffer was made for.
    if (agreeing) std::free(std::exchange(buffer_, {}).mem);
  }

  // Never waits: neither for a device, nor for memory to be copied, nor for another request.
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
        return true;
      default:
        return false;
    }
  }

 private:
  // 0, which is nobody's, for a request in a pipe: only long ones are.
  [[nodiscard]] uint32_t Opcode() const {
    if ((buffer_.flags & FUSE_BUF_IS_FD) != 0) return 0;
    return static_cast<const fuse_in_header*>(buffer_.mem)->opcode;
  }

  fuse_buf buffer_ = {};
};

Workers::Workers(fuse_session* session)
    : session_(session),
      stop_(CheckSyscall(::eventfd(0, EFD_CLOEXEC), "eventfd")),
      may_poll_(std::thread::hardware_concurrency() > 1) {
  MakeNonBlocking(fuse_session_fd(session));
}

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
  Request request;
  std::unique_lock lock(mutex_);
  for (;;) {
    ++standing_by_;
    changed_.wait(lock, [this] { return !led_ || ended_; });
    --standing_by_;
    if (ended_) return;
    led_ = true;
    lock.unlock();
    const bool slow = Lead(request);
    AnswerUnawaited();
    lock.lock();
    led_ = false;
    if (!slow) {
      ended_ = true;
      changed_.notify_all();
      return;
    }
    FindLeader();
    lock.unlock();
    request.Serve(session_);
    lock.lock();
  }
}

bool Workers::Lead(Request& request) {
  while (Take(request)) {
    if (!request.IsQuick()) return true;
    client_is_waking_ = true;
    request.Serve(session_);
    if (unanswered_.size() == kMaxUnanswered) AnswerUnawaited();
  }
  return false;
}

bool Workers::HasTime(Clock::duration idle) const {
  return client_is_waking_ || !polling_ || idle > kPauseTime;
}

void Workers::AnswerInTime(fuse_req* request) {
  unanswered_.push_back(request);
  client_is_waking_ = false;
}

void Workers::AnswerUnawaited() {
  for (fuse_req* request : unanswered_) fuse_reply_err(request, 0);
  unanswered_.clear();
}

bool Workers::Take(Request& request) {
  const auto since = Clock::now();
  while (!fuse_session_exited(session_)) {
    const int got = request.Receive(session_);
    if (got > 0) return true;
    if (got == 0) break;
    if (got != -EAGAIN && got != -EINTR) {
      const std::lock_guard lock(mutex_);
      error_ = -got;
      break;
    }
    const Clock::duration idle = Clock::now() - since;
    if (HasTime(idle)) AnswerUnawaited();
    if (polling_ && idle < kPollTime) continue;
    if (!Sleep()) break;
    // Polling is worth it when it would have been worth it this time.
    polling_ = may_poll_ && Clock::now() - since < kPollTime;
  }
  return false;
}

bool Workers::Sleep() {
  std::array<pollfd, 2> events = {
      {{fuse_session_fd(session_), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
  const int ready = ::poll(events.data(), events.size(), -1);
  return ready < 0 || events[1].revents == 0;
}

void Workers::FindLeader() {
  if (standing_by_ > 0) {
    changed_.notify_one();
  } else if (threads_.size() + 1 < kMaxThreads) {
    try {
      threads_.emplace_back([this] { Work(); });
    } catch (const std::system_error&) {
      return;  // no more threads to be had: the first of those there are to be done leads
    }
  }
}

}  // namespace grabfs
