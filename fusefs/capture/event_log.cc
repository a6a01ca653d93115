// SPDX-License-Identifier: Apache-2.0
#include "fusefs/capture/event_log.h"

#include <utility>

namespace grabfs {

// What is due to readers; collected with the lock held, carried out without it.
class EventLog::Deliveries {
 public:
  void Add(EventReader::Deliver deliver, std::string lines) {
    reads_.emplace_back(std::move(deliver), std::move(lines));
  }
  void Add(std::function<void()> wake) { wakes_.push_back(std::move(wake)); }

  void CarryOut() {
    for (auto& [deliver, lines] : reads_) deliver(std::move(lines));
    for (const auto& wake : wakes_) wake();
  }

 private:
  std::vector<std::pair<EventReader::Deliver, std::string>> reads_;
  std::vector<std::function<void()>> wakes_;
};

bool EventLog::HasReaders() const {
  const std::lock_guard lock(mutex_);
  return !readers_.empty();
}

void EventLog::Append(std::string_view kind, EventFields fields) {
  if (!HasReaders()) return;
  std::string line = EventLine(kind, device_, fields);
  Deliveries deliveries;
  {
    const std::lock_guard lock(mutex_);
    if (lines_.size() == kMaxLines) {
      lines_.pop_front();
      ++first_;
    }
    lines_.push_back(std::move(line));
    CollectDeliveries(&deliveries);
  }
  deliveries.CarryOut();
}

void EventLog::Close() {
  Deliveries deliveries;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    CollectDeliveries(&deliveries);
  }
  deliveries.CarryOut();
}

std::unique_ptr<EventReader> EventLog::Open() {
  return std::make_unique<EventReader>(shared_from_this());
}

void EventLog::CollectDeliveries(Deliveries* deliveries) {
  for (EventReader* reader : readers_) reader->CollectDelivery(deliveries);
}

EventReader::EventReader(std::shared_ptr<EventLog> log) : log_(std::move(log)) {
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
  EventLog::Deliveries deliveries;
  {
    const std::lock_guard lock(log_->mutex_);
    if (waiting_) return false;
    waiting_ = std::move(deliver);
    waiting_size_ = size;
    CollectDelivery(&deliveries);
  }
  deliveries.CarryOut();
  return true;
}

std::optional<std::string> EventReader::TryRead(size_t size) {
  const std::lock_guard lock(log_->mutex_);
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
    CollectDelivery(&deliveries);
  }
  deliveries.CarryOut();
}

bool EventReader::ReadyLocked() const {
  return !head_.empty() || next_ < log_->end() || log_->closed_;
}

void EventReader::CollectDelivery(EventLog::Deliveries* deliveries) {
  if (waiting_) {
    if (auto lines = Take(waiting_size_)) {
      deliveries->Add(std::exchange(waiting_, nullptr), std::move(*lines));
    }
  }
  if (wake_ && ReadyLocked()) deliveries->Add(std::exchange(wake_, nullptr));
}

std::optional<std::string> EventReader::Take(size_t size) {
  if (!ReadyLocked()) return std::nullopt;
  if (head_.empty() && next_ < log_->first_) {
    head_ = EventLine("lost", log_->device_, {{"count", log_->first_ - next_}});
    next_ = log_->first_;
  }
  std::string taken = TakeHead(size);
  // More may have been lost since the head was split off: the next read tells.
  if (head_.empty() && next_ >= log_->first_) taken += TakeLines(size - taken.size());
  if (!taken.empty() || next_ == log_->end()) return taken;

  const std::string& line = log_->Line(next_++);
  head_ = line.substr(size);
  return line.substr(0, size);
}

std::string EventReader::TakeHead(size_t size) {
  std::string taken = head_.substr(0, size);
  head_.erase(0, size);
  return taken;
}

std::string EventReader::TakeLines(size_t size) {
  std::string taken;
  for (; next_ < log_->end() && taken.size() + log_->Line(next_).size() <= size; ++next_) {
    taken += log_->Line(next_);
  }
  return taken;
}

}  // namespace grabfs
