// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/source/grabdma/fake.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "fusefs/base/pixel_format.h"

namespace grabfs {
namespace {

constexpr uint32_t kStep = 2;
constexpr uint32_t kMinSize = 16;
constexpr uint32_t kMaxSize = 4096;
constexpr std::array kMade = {kGrey, kBgr4};

template <typename Argument>
Argument& As(void* argument) {
  return *static_cast<Argument*>(argument);
}

}  // namespace

FakeGrabber::FakeGrabber() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  format_ = {.size = sizeof format_,
             .flags = 0,
             .fourcc = kGrey,
             .width = 64,
             .height = 32,
             .stride = 64,
             .bytes = 2048};
}

int FakeGrabber::Ioctl(unsigned long command, void* argument) {
  const bool outlives = command == GRABDMA_FREE || command == GRABDMA_BUFFER_STATE;
  return gone_ && !outlives ? ENODEV : Dispatch(command, argument);
}

int FakeGrabber::Dispatch(unsigned long command, void* argument) {
  switch (command) {
    case GRABDMA_INFO:
      return Info(As<grabdma_info>(argument));
    case GRABDMA_ENUM_FORMAT:
      return EnumFormat(As<grabdma_format_range>(argument));
    case GRABDMA_GET_FORMAT:
      As<grabdma_format>(argument) = format_;
      return 0;
    case GRABDMA_SET_FORMAT:
      return SetFormat(As<grabdma_format>(argument));
    case GRABDMA_ALLOC:
      return Alloc(As<grabdma_alloc>(argument));
    case GRABDMA_FREE:
      return Free(As<grabdma_free>(argument));
    case GRABDMA_QUEUE:
      return Queue(As<grabdma_queue>(argument));
    case GRABDMA_START:
      return Start(As<grabdma_start>(argument));
    case GRABDMA_STOP:
      return Stop();
    case GRABDMA_BUFFER_STATE:
      return State(As<grabdma_buffer_state>(argument));
    default:
      return ENOTTY;
  }
}

int FakeGrabber::Info(grabdma_info& info) {
  info.directions = GRABDMA_DIRECTION_CAPTURE;
  info.min_interval_ns = 1'000'000;
  info.depth = depth;
  if (device_ns != 0) info.capabilities |= GRABDMA_CAP_DEVICE_TIME;
  std::snprintf(info.adapter, sizeof info.adapter, "fake");
  std::snprintf(info.bus, sizeof info.bus, "shelf-3");
  return 0;
}

int FakeGrabber::EnumFormat(grabdma_format_range& range) {
  if (range.index >= kMade.size()) return EINVAL;
  range.fourcc = kMade[range.index];
  range.min_width = range.min_height = kMinSize;
  range.max_width = range.max_height = kMaxSize;
  range.step = kStep;
  return 0;
}

int FakeGrabber::SetFormat(grabdma_format& format) {
  const bool made = std::ranges::find(kMade, format.fourcc) != kMade.end();
  if (!made || format.width > kMaxSize || format.height > kMaxSize) return EINVAL;
  if (capturing_ || queued() > 0) return EBUSY;
  format.stride = format.width * (format.fourcc == kBgr4 ? 4 : 1);
  format.bytes = uint64_t{format.stride} * format.height;
  format_ = format;
  return 0;
}

int FakeGrabber::Alloc(grabdma_alloc& alloc) {
  if (static_cast<int>(buffers_.size()) >= refuse_alloc_after) return refuse_alloc_with;
  uint32_t id = 0;
  while (buffers_.contains(id)) ++id;
  buffers_[id] = {};
  strategy = alloc.flags;
  alloc.buffer = id;
  alloc.live_fd = memfd_create("fake", MFD_CLOEXEC);
  if (ftruncate(alloc.live_fd, static_cast<off_t>(alloc.bytes)) != 0) return errno;
  const std::string path = "/proc/self/fd/" + std::to_string(alloc.live_fd);
  alloc.frame_fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  return 0;
}

int FakeGrabber::Free(const grabdma_free& free) { return buffers_.erase(free.buffer) ? 0 : ENOENT; }

int FakeGrabber::Queue(const grabdma_queue& queue) {
  const auto found = buffers_.find(queue.buffer);
  if (found == buffers_.end()) return ENOENT;
  if (found->second.state != GRABDMA_STATE_IDLE) return EALREADY;
  if (held_.contains(queue.buffer)) {
    found->second.watched = true;
    return EBUSY;
  }
  found->second.state = GRABDMA_STATE_QUEUED;
  queue_.push_back(queue.buffer);
  return 0;
}

int FakeGrabber::Start(const grabdma_start& start) {
  if (refuse_start != 0) return refuse_start;
  capturing_ = true;
  left_ = start.frames;
  started = start;
  ++starts;
  return 0;
}

int FakeGrabber::Stop() {
  capturing_ = false;
  started.reset();
  if (filling_) Land(ECANCELED);
  for (const uint32_t buffer : queue_) buffers_[buffer].state = GRABDMA_STATE_IDLE;
  queue_.clear();
  return 0;
}

int FakeGrabber::State(const grabdma_buffer_state& state) {
  auto* entries = reinterpret_cast<grabdma_buffer_entry*>(state.entries);
  for (uint32_t i = 0; i < state.count; ++i) {
    const auto found = buffers_.find(entries[i].buffer);
    if (found == buffers_.end()) return ENOENT;
    const bool held = held_.contains(entries[i].buffer);
    entries[i].state = found->second.state;
    entries[i].frame_users = held;
    entries[i].flags = held ? GRABDMA_BUFFER_HELD : 0;
    if ((state.flags & GRABDMA_BUFFER_STATE_WATCH) != 0) found->second.watched |= held;
  }
  return 0;
}

void FakeGrabber::Post(const grabdma_record& record) {
  records_.push_back(record);
  (void)eventfd_write(event_.get(), 1);
}

int64_t FakeGrabber::Read(std::span<std::byte> space) {
  if (records_.empty()) return ended_ ? -ENODEV : -EAGAIN;
  size_t bytes = 0;
  while (!records_.empty() && space.size() - bytes >= sizeof(grabdma_record)) {
    const grabdma_record& record = records_.front();
    std::memcpy(space.data() + bytes, &record, sizeof record);
    bytes += sizeof record;
    const bool result = record.type == GRABDMA_RECORD_FRAME || record.type == GRABDMA_RECORD_ERROR;
    if (result && buffers_.contains(record.buffer)) {
      buffers_[record.buffer].state = GRABDMA_STATE_IDLE;
    }
    ended_ |= record.type == GRABDMA_RECORD_GONE;
    records_.pop_front();
  }
  eventfd_t ignored = 0;
  if (records_.empty()) (void)eventfd_read(event_.get(), &ignored);
  return static_cast<int64_t>(bytes);
}

void FakeGrabber::Due() {
  const uint64_t number = sequence++;
  if (left_ > 0) capturing_ = --left_ > 0;
  if (filling_ || queue_.empty()) {
    ++dropped_;
    grabdma_record record = {};
    record.type = GRABDMA_RECORD_DROP;
    record.buffer = GRABDMA_NO_BUFFER;
    record.sequence = number;
    record.dropped_before = 1;
    // As the module does: losses that nobody has read of yet are told together.
    for (grabdma_record& unread : records_) {
      if (unread.type != GRABDMA_RECORD_DROP) continue;
      unread.sequence = number;
      ++unread.dropped_before;
      return;
    }
    Post(record);
    return;
  }
  filling_ = Filling{queue_.front(), number, std::exchange(dropped_, 0)};
  buffers_[queue_.front()].state = GRABDMA_STATE_FILLING;
  queue_.pop_front();
}

void FakeGrabber::Land(int error) {
  grabdma_record record = {};
  record.type = error ? GRABDMA_RECORD_ERROR : GRABDMA_RECORD_FRAME;
  record.buffer = filling_->buffer;
  record.sequence = filling_->sequence;
  record.timestamp_ns = begin_ns + 1000 * filling_->sequence;
  record.bytes_used = error ? 0 : format_.bytes;
  record.error = error;
  record.device_time_ns = device_ns;
  record.dropped_before = filling_->dropped;
  buffers_[filling_->buffer].state = GRABDMA_STATE_DONE;
  filling_.reset();
  Post(record);
}

void FakeGrabber::Capture() {
  Due();
  if (filling_) Land();
}

void FakeGrabber::LetGo(uint32_t buffer) {
  held_.erase(buffer);
  if (!std::exchange(buffers_[buffer].watched, false)) return;
  grabdma_record record = {};
  record.type = GRABDMA_RECORD_IDLE;
  record.buffer = buffer;
  Post(record);
}

void FakeGrabber::Unplug() {
  gone_ = true;
  capturing_ = false;
  if (filling_) Land(ENODEV);
  for (const uint32_t buffer : queue_) buffers_[buffer].state = GRABDMA_STATE_IDLE;
  queue_.clear();
  grabdma_record record = {};
  record.type = GRABDMA_RECORD_GONE;
  record.buffer = GRABDMA_NO_BUFFER;
  Post(record);
}

}  // namespace grabfs
