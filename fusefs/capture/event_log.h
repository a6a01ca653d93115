// SPDX-License-Identifier: Apache-2.0
//
// The events of one device, delivered to every reader of its `events` file: one JSON object a line.
// Nothing is kept for readers who come later, and a reader who is too slow loses the oldest lines
// and is told how many.
//
// Threads: any. Callbacks run on the thread that appends, reads or closes, without a lock held.
#pragma once

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
  std::shared_ptr<EventReader> Open();

 private:
  friend class EventReader;
  [[nodiscard]] std::vector<std::shared_ptr<EventReader>> Readers() const;

  const std::string device_;
  mutable std::mutex mutex_;  // guards the two below; before EventReader::mutex_, never with it
  std::vector<std::weak_ptr<EventReader>> readers_;
  bool closed_ = false;
};

class EventReader {
 public:
  // Called once with whole lines; empty: the end.
  using Deliver = std::function<void(std::string lines)>;

  explicit EventReader(std::string device) : device_(std::move(device)) {}

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
  void Push(const std::string& line);
  void Finish();
  void DeliverIfReady();
  // With mutex_ held: the next lines within `size` bytes, or nullopt.
  std::optional<std::string> Take(size_t size);

  static constexpr size_t kMaxLines = 4096;

  const std::string device_;
  mutable std::mutex mutex_;  // guards all below; leaf
  std::deque<std::string> lines_;
  uint64_t lost_ = 0;  // lines discarded since the last one that was read
  bool finished_ = false;
  size_t waiting_size_ = 0;
  Deliver waiting_;
  std::function<void()> wake_;
};

}  // namespace grabfs
