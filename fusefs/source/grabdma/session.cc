// SPDX-License-Identifier: Apache-2.0
//
// The commands of a session: structs filled in, errno values put into words.
#include "fusefs/source/grabdma/session.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "fusefs/base/charge.h"
#include "fusefs/base/error.h"
#include "fusefs/source/node.h"

namespace grabfs {
namespace {

// An argument with its size filled in and the rest zero, as the interface demands.
template <typename Argument>
Argument Make() {
  Argument argument = {};
  argument.size = sizeof argument;
  return argument;
}

grabdma_alloc MakeAlloc(uint64_t bytes, uint32_t strategy, uint32_t direction) {
  auto alloc = Make<grabdma_alloc>();
  alloc.flags = strategy;
  alloc.bytes = bytes;
  alloc.direction = direction;
  return alloc;
}

// A value in memory that is shared with a child process.
template <typename T>
class SharedValue {
 public:
  explicit SharedValue(const T& value)
      : place_(
            ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (place_ == MAP_FAILED) ThrowErrno("mmap of shared memory");
    *get() = value;
  }
  ~SharedValue() { ::munmap(place_, sizeof(T)); }
  SharedValue(const SharedValue&) = delete;
  SharedValue& operator=(const SharedValue&) = delete;

  [[nodiscard]] T* get() const { return static_cast<T*>(place_); }
  T* operator->() const { return get(); }

 private:
  void* const place_;
};

class DevicePort final : public GrabdmaPort {
 public:
  explicit DevicePort(const std::string& path)
      : fd_(OpenNode(path,
                     "is the board plugged in and its module loaded (without a board: modprobe "
                     "grabdma_virtual)?")) {}

  [[nodiscard]] int fd() const override { return fd_.get(); }

  int Ioctl(unsigned long command, void* argument) override {
    return NodeIoctl(fd_, command, argument);
  }

  int64_t Read(std::span<std::byte> records) override {
    const ssize_t bytes = ::read(fd_.get(), records.data(), records.size());
    return bytes < 0 ? -errno : bytes;
  }

 private:
  UniqueFd fd_;
};

}  // namespace

std::unique_ptr<GrabdmaPort> OpenGrabdmaPort(const std::string& path) {
  return std::make_unique<DevicePort>(path);
}

GrabdmaSession::GrabdmaSession(std::string path, std::unique_ptr<GrabdmaPort> port)
    : path_(std::move(path)), port_(std::move(port)) {}

int GrabdmaSession::Try(unsigned long command, void* argument) {
  return port_->Ioctl(command, argument);
}

std::string GrabdmaSession::Reason(int code) const {
  switch (code) {
    case ENODEV:
      return "the device has been unplugged";
    case ENOTTY:
      return "not a grabdma device";
    case EDQUOT:  // Of ALLOC, as the next one.
      return "the buffers of this user are more than may be locked in memory: raise RLIMIT_MEMLOCK "
             "(ulimit -l; LimitMEMLOCK= of a service), or give grabfs CAP_IPC_LOCK";
    case ENOBUFS:
      return "all buffers of this adapter are more than it may have: raise /sys/class/grabdma/" +
             path_.substr(path_.rfind('/') + 1) + "/memory_limit, or ask for fewer";
    default:
      return ErrnoText(code);
  }
}

void GrabdmaSession::Throw(const char* what, int code) const {
  throw Error(code, path_ + ": " + what + ": " + Reason(code));
}

void GrabdmaSession::Do(const char* what, unsigned long command, void* argument) {
  if (const int code = Try(command, argument)) Throw(what, code);
}

grabdma_info GrabdmaSession::Info() {
  auto info = Make<grabdma_info>();
  Do("info", GRABDMA_INFO, &info);
  return info;
}

std::vector<grabdma_format_range> GrabdmaSession::Formats() {
  std::vector<grabdma_format_range> formats;
  for (;;) {
    auto range = Make<grabdma_format_range>();
    range.index = static_cast<uint32_t>(formats.size());
    const int code = Try(GRABDMA_ENUM_FORMAT, &range);
    if (code == EINVAL) return formats;
    if (code != 0) Throw("formats", code);
    formats.push_back(range);
  }
}

grabdma_format GrabdmaSession::Format() {
  auto format = Make<grabdma_format>();
  Do("format", GRABDMA_GET_FORMAT, &format);
  return format;
}

grabdma_format GrabdmaSession::SetFormat(uint32_t fourcc, uint32_t width, uint32_t height) {
  auto format = Make<grabdma_format>();
  format.fourcc = fourcc;
  format.width = width;
  format.height = height;
  Do("format", GRABDMA_SET_FORMAT, &format);
  return format;
}

GrabdmaSession::Buffer GrabdmaSession::Allocate(uint64_t bytes, uint32_t strategy) {
  auto alloc = MakeAlloc(bytes, strategy, GRABDMA_DIRECTION_CAPTURE);
  Do("allocating a buffer", GRABDMA_ALLOC, &alloc);
  return {alloc.buffer, UniqueFd(alloc.live_fd), UniqueFd(alloc.frame_fd)};
}

GrabdmaSession::Buffer GrabdmaSession::AllocateOutput(uint64_t bytes, uint32_t strategy,
                                                      uint32_t writeback_ms) {
  auto alloc = MakeAlloc(bytes, strategy, GRABDMA_DIRECTION_OUTPUT);
  alloc.writeback_ms = writeback_ms;
  Do("allocating a buffer for output", GRABDMA_ALLOC, &alloc);
  return {alloc.buffer, UniqueFd(alloc.live_fd), UniqueFd()};
}

// The module charges the process that calls the ioctl. So a child process calls it and passes the
// result through shared memory. The child shares the daemon's descriptors.
GrabdmaSession::Buffer GrabdmaSession::AllocateFor(pid_t caller, uint64_t bytes, uint32_t strategy,
                                                   bool& charged) {
  const SharedValue<grabdma_alloc> alloc(MakeAlloc(bytes, strategy, GRABDMA_DIRECTION_CAPTURE));
  const ChargedWork done =
      RunCharged(Account::Of(caller), [&] { return Try(GRABDMA_ALLOC, alloc.get()); });
  if (done.error != 0) Throw("allocating a buffer", done.error);
  charged = done.to_caller;
  return {alloc->buffer, UniqueFd(alloc->live_fd), UniqueFd(alloc->frame_fd)};
}

void GrabdmaSession::Free(uint32_t buffer) noexcept {
  auto argument = Make<grabdma_free>();
  argument.buffer = buffer;
  (void)Try(GRABDMA_FREE, &argument);
}

GrabdmaSession::Queued GrabdmaSession::Queue(uint32_t buffer) {
  auto argument = Make<grabdma_queue>();
  argument.buffer = buffer;
  switch (const int code = Try(GRABDMA_QUEUE, &argument)) {
    case 0:
      return Queued::kYes;
    case EBUSY:
      return Queued::kHeld;
    case ENODEV:
      return Queued::kGone;
    default:
      Throw("queueing a buffer", code);
  }
}

void GrabdmaSession::Start(uint32_t interval_num, uint32_t interval_den, uint64_t frames) {
  auto start = Make<grabdma_start>();
  start.interval_num = interval_num;
  start.interval_den = interval_den;
  start.frames = frames;
  const int code = Try(GRABDMA_START, &start);
  if (code == EBUSY) throw Error(code, path_ + ": another program captures from this device");
  if (code != 0) Throw("start", code);
}

void GrabdmaSession::Stop() noexcept {
  auto stop = Make<grabdma_stop>();
  stop.flags = GRABDMA_STOP_DEQUEUE;
  (void)Try(GRABDMA_STOP, &stop);
}

void GrabdmaSession::Query(std::span<grabdma_buffer_entry> buffers, bool watch) {
  auto state = Make<grabdma_buffer_state>();
  state.flags = watch ? GRABDMA_BUFFER_STATE_WATCH : 0;
  state.count = static_cast<uint32_t>(buffers.size());
  state.entries = reinterpret_cast<uintptr_t>(buffers.data());
  Do("state of buffers", GRABDMA_BUFFER_STATE, &state);
}

size_t GrabdmaSession::Read(std::span<grabdma_record> records) {
  const int64_t bytes = port_->Read(std::as_writable_bytes(records));
  if (bytes >= 0) return static_cast<size_t>(bytes) / sizeof(grabdma_record);
  const int code = static_cast<int>(-bytes);
  // ENODEV: the GONE record has been read before.
  if (code == EAGAIN || code == EINTR || code == ENODEV) return 0;
  Throw("reading records", code);
}

}  // namespace grabfs
