// SPDX-License-Identifier: Apache-2.0
//
// The events of one device, delivered to every reader of its `events` file: one JSON object a line.
// Nothing is kept for readers who come later. The latest lines are kept once for all readers, each
// of whom has a place among them; who is too slow loses the oldest lines and is told how many.
//
// Threads: any. Callbacks run on the thread that appends, reads or closes, without a lock held.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fusefs/capture/event_line.h"

namespace grabfs {

class EventReader;

class EventLog : public std::enable_shared_from_this<EventLog> {
 public:
  explicit EventLog(std::string device) : device_(std::move(device)) {}

  // Somebody listens: worth composing an event.
  [[nodiscard]] bool HasReaders() const;
  // Adds {"event": kind, "device": name, ...fields} for all readers.
  void Append(std::string_view kind, EventFields fields);
  // No more events: readers get what is left, then the end of the file.
  void Close();
  // A reader that starts with the next event.
  std::unique_ptr<EventReader> Open();

 private:
  friend class EventReader;
  class Deliveries;

  // With mutex_ held.
  void CollectDeliveries(Deliveries* deliveries);
  [[nodiscard]] uint64_t end() const { return first_ + lines_.size(); }
  [[nodiscard]] const std::string& Line(uint64_t number) const { return lines_[number - first_]; }

  static constexpr size_t kMaxLines = 2048;

  const std::string device_;
  mutable std::mutex mutex_;       // guards all below and the state of the readers; leaf
  std::deque<std::string> lines_;  // the latest, numbered from first_ to end()
  uint64_t first_ = 0;
  std::vector<EventReader*> readers_;
  bool closed_ = false;
};

class EventReader {
 public:
  // Called once with whole lines; empty: the end.
  using Deliver = std::function<void(std::string lines)>;

  // From EventLog::Open().
  explicit EventReader(std::shared_ptr<EventLog> log);
  ~EventReader();
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  // Delivers at most `size` bytes of whole lines now, or as soon as there are some. One read may
  // wait at a time: a second one replaces nothing and is refused (false).
  // A line longer than `size` is delivered in pieces.
  bool Read(size_t size, Deliver deliver);
  // The lines there are now; nullopt: none, and not the end.
  std::optional<std::string> TryRead(size_t size);
  // Gives up a waiting Read(); true when it was still waiting (it will not be delivered).
  bool CancelRead();
  // Something to read, or the end.
  [[nodiscard]] bool Ready() const;
  // Calls `wake` once when Ready() becomes true; replaces an earlier one.
  void NotifyReady(std::function<void()> wake);

 private:
  friend class EventLog;
  // All with the log's mutex held.
  [[nodiscard]] bool ReadyLocked() const;
  // The next lines within `size` bytes, or nullopt.
  std::optional<std::string> Take(size_t size);
  std::string TakeHead(size_t size);
  std::string TakeLines(size_t size);
  void CollectDelivery(EventLog::Deliveries* deliveries);

  const std::shared_ptr<EventLog> log_;
  // Guarded by the log's mutex:
  uint64_t next_;     // number of the next line
  std::string head_;  // comes before it: the rest of a line read in part, or word of lost lines
  size_t waiting_size_ = 0;
  Deliver waiting_;
  std::function<void()> wake_;
};

}  // namespace grabfs
