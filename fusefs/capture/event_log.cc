// SPDX-License-Identifier: Apache-2.0
#include "fusefs/capture/event_log.h"

#include <algorithm>
#include <utility>

namespace grabfs {

bool EventLog::HasReaders() const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(readers_, [](const auto& reader) { return !reader.expired(); });
}

void EventLog::Append(std::string_view kind, EventFields fields) {
  const auto readers = Readers();
  if (readers.empty()) return;
  const std::string line = EventLine(kind, device_, fields);
  for (const auto& reader : readers) reader->Push(line);
}

void EventLog::Close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  for (const auto& reader : Readers()) reader->Finish();
}

std::shared_ptr<EventReader> EventLog::Open() {
  auto reader = std::make_shared<EventReader>(device_);
  const std::lock_guard lock(mutex_);
  std::erase_if(readers_, [](const auto& old) { return old.expired(); });
  readers_.push_back(reader);
  reader->finished_ = closed_;
  return reader;
}

std::vector<std::shared_ptr<EventReader>> EventLog::Readers() const {
  std::vector<std::shared_ptr<EventReader>> alive;
  const std::lock_guard lock(mutex_);
  for (const auto& weak : readers_) {
    if (auto reader = weak.lock()) alive.push_back(std::move(reader));
  }
  return alive;
}

bool EventReader::Read(size_t size, Deliver deliver) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_) return false;
    waiting_ = std::move(deliver);
    waiting_size_ = size;
  }
  DeliverIfReady();
  return true;
}

std::optional<std::string> EventReader::TryRead(size_t size) {
  const std::lock_guard lock(mutex_);
  return Take(size);
}

bool EventReader::CancelRead() {
  const std::lock_guard lock(mutex_);
  return std::exchange(waiting_, nullptr) != nullptr;
}

bool EventReader::Ready() const {
  const std::lock_guard lock(mutex_);
  return !lines_.empty() || lost_ > 0 || finished_;
}

void EventReader::NotifyReady(std::function<void()> wake) {
  {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
  }
  DeliverIfReady();
}

void EventReader::Push(const std::string& line) {
  {
    const std::lock_guard lock(mutex_);
    if (lines_.size() == kMaxLines) {
      lines_.pop_front();
      ++lost_;
    }
    lines_.push_back(line);
  }
  DeliverIfReady();
}

void EventReader::Finish() {
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
  }
  DeliverIfReady();
}

void EventReader::DeliverIfReady() {
  Deliver deliver;
  std::function<void()> wake;
  std::optional<std::string> lines;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_ && (lines = Take(waiting_size_))) deliver = std::exchange(waiting_, nullptr);
    if (!lines_.empty() || lost_ > 0 || finished_) wake = std::exchange(wake_, nullptr);
  }
  if (deliver) deliver(std::move(*lines));
  if (wake) wake();
}

std::optional<std::string> EventReader::Take(size_t size) {
  if (lost_ > 0)
    lines_.push_front(EventLine("lost", device_, {{"count", std::exchange(lost_, 0)}}));
  if (lines_.empty()) return finished_ ? std::optional(std::string()) : std::nullopt;
  std::string taken;
  while (!lines_.empty() && taken.size() + lines_.front().size() <= size) {
    taken += lines_.front();
    lines_.pop_front();
  }
  if (taken.empty()) {
    taken = lines_.front().substr(0, size);
    lines_.front().erase(0, size);
  }
  return taken;
}

}  // namespace grabfs
