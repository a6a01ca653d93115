// SPDX-License-Identifier: Apache-2.0
#include "fusefs/capture/event_log.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

// The most readers that the appending thread serves itself: to wake the delivery thread takes
// longer.
constexpr size_t kServedAtOnce = 4;

}  // namespace

// Callbacks that are due; collected with the lock held, called without it.
class EventLog::Deliveries {
 public:
  void Add(EventReader::Deliver deliver, std::string lines) {
    reads_.emplace_back(std::move(deliver), std::move(lines));
  }
  void Add(std::function<void()> wake) { wakes_.push_back(std::move(wake)); }
  [[nodiscard]] size_t count() const { return reads_.size() + wakes_.size(); }

  void CarryOut() {
    for (auto& [deliver, lines] : reads_) deliver(std::move(lines));
    for (const auto& wake : wakes_) wake();
  }

 private:
  std::vector<std::pair<EventReader::Deliver, std::string>> reads_;
  std::vector<std::function<void()>> wakes_;
};

bool EventLog::Line::Stale() const {
  if (!of_frame) return false;
  const auto frames = pool.lock();
  return !frames || !frames->ring.Named(sequence);
}

bool EventLog::HasReaders() const {
  const std::lock_guard lock(mutex_);
  return !readers_.empty();
}

void EventLog::Append(std::string_view kind, EventFields fields) {
  if (HasReaders()) Add({.text = EventLine(kind, device_, fields)});
}

void EventLog::AppendFrame(const std::shared_ptr<Pool>& pool, uint64_t sequence,
                           EventFields fields) {
  if (!HasReaders()) return;
  Add({.text = EventLine("frame", device_, fields),
       .of_frame = true,
       .pool = pool,
       .sequence = sequence});
}

void EventLog::Add(Line line) {
  auto deliveries = std::make_unique<Deliveries>();
  {
    const std::lock_guard lock(mutex_);
    if (lines_.size() == kMaxLines) {
      lines_.pop_front();
      ++first_;
    }
    lines_.push_back(std::move(line));
    CollectDeliveries(*deliveries);
  }
  CarryOut(std::move(deliveries));
}

void EventLog::Close() {
  auto deliveries = std::make_unique<Deliveries>();
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    CollectDeliveries(*deliveries);
  }
  CarryOut(std::move(deliveries));
}

std::unique_ptr<EventReader> EventLog::Open(Permit permit) {
  return std::make_unique<EventReader>(shared_from_this(), std::move(permit));
}

void EventLog::CollectDeliveries(Deliveries& deliveries) {
  for (EventReader* reader : readers_) reader->CollectDelivery(deliveries);
}

void EventLog::CarryOut(std::unique_ptr<Deliveries> deliveries) {
  if (deliveries->count() <= kServedAtOnce) return deliveries->CarryOut();
  post_([shared = std::shared_ptr<Deliveries>(std::move(deliveries))] { shared->CarryOut(); });
}

EventReader::EventReader(std::shared_ptr<EventLog> log, EventLog::Permit permit)
    : log_(std::move(log)), permit_(std::move(permit)) {
  const std::lock_guard lock(log_->mutex_);
  next_ = log_->end();
  log_->readers_.push_back(this);
}

EventReader::~EventReader() {
  const std::lock_guard lock(log_->mutex_);
  std::erase(log_->readers_, this);
  if (!log_->readers_.empty()) return;
  log_->first_ = log_->end();
  log_->lines_.clear();
}

bool EventReader::Read(size_t size, Deliver deliver) {
  FramePart before;
  EventLog::Deliveries deliveries;
  {
    const std::lock_guard lock(log_->mutex_);
    if (waiting_) return false;
    before = ReadOn();
    waiting_ = std::move(deliver);
    waiting_size_ = size;
    CollectDelivery(deliveries);
  }
  deliveries.CarryOut();
  return true;
}

std::optional<std::string> EventReader::TryRead(size_t size) {
  FramePart before;
  const std::lock_guard lock(log_->mutex_);
  before = ReadOn();
  return Take(size);
}

bool EventReader::CancelRead() {
  const std::lock_guard lock(log_->mutex_);
  return std::exchange(waiting_, nullptr) != nullptr;
}

bool EventReader::Ready() const {
  const std::lock_guard lock(log_->mutex_);
  return ReadyLocked();
}

void EventReader::NotifyReady(std::function<void()> wake) {
  EventLog::Deliveries deliveries;
  {
    const std::lock_guard lock(log_->mutex_);
    wake_ = std::move(wake);
    CollectDelivery(deliveries);
  }
  deliveries.CarryOut();
}

bool EventReader::ReadyLocked() const {
  return !head_.empty() || lost_ > 0 || next_ < log_->end() || log_->closed_;
}

void EventReader::CollectDelivery(EventLog::Deliveries& deliveries) {
  if (waiting_) {
    if (auto lines = Take(waiting_size_)) {
      deliveries.Add(std::exchange(waiting_, nullptr), std::move(*lines));
    }
  }
  if (wake_ && ReadyLocked()) deliveries.Add(std::exchange(wake_, nullptr));
}

FramePart EventReader::ReadOn() {
  return head_.empty() ? std::exchange(reserved_, {}) : FramePart();
}

std::optional<std::string> EventReader::Take(size_t size) {
  if (!ReadyLocked()) return std::nullopt;
  if (head_.empty()) return TakeLines(size);
  std::string taken = head_.substr(0, size);
  head_.erase(0, size);
  return taken;
}

std::string EventReader::TakeLines(size_t size) {
  std::string taken;
  for (bool ends_with_frame = false; !ends_with_frame && head_.empty();) {
    CountLost();
    if (lost_ == 0 && next_ == log_->end()) break;
    const std::string text =
        lost_ > 0 ? EventLine("lost", log_->device_, {{"count", lost_}}) : log_->At(next_).text;
    if (!taken.empty() && taken.size() + text.size() > size) break;
    if (std::exchange(lost_, 0) == 0) {
      const EventLog::Line& line = log_->At(next_);
      if (line.of_frame && !Reserve(line)) continue;  // it has gone since CountLost()
      ends_with_frame = line.of_frame;
      ++next_;
    }
    taken += text.substr(0, size - taken.size());
    head_ = text.substr(std::min(text.size(), size));
  }
  return taken;
}

void EventReader::CountLost() {
  if (next_ < log_->first_) lost_ += log_->first_ - std::exchange(next_, log_->first_);
  for (; next_ < log_->end() && log_->At(next_).Stale(); ++next_) ++lost_;
}

bool EventReader::Reserve(const EventLog::Line& line) {
  const auto pool = line.pool.lock();
  if (!pool) return false;
  try {
    reserved_.share = permit_(pool, line.sequence);
  } catch (const Error&) {
    return true;  // not reserved: it may be recycled before the reader opens it
  }
  auto [frame, code] = log_->frames_->Reserve(pool, line.sequence);
  reserved_.frame = std::move(frame);
  if (!reserved_.frame) reserved_.share.reset();
  return code != ENOENT;
}

}  // namespace grabfs
