// SPDX-License-Identifier: Apache-2.0
//
// The events of one device, delivered to every reader of its `events` file: one JSON object a line.
// A reader gets the events after its open. The latest lines are stored once for all readers; each
// reader has a position among them.
//
// A reader never gets a line about a frame that has gone: such lines, and lines that are not stored
// any more, are replaced by one `lost` line with their number. A read ends with the first line
// about a frame, and that frame is reserved for the reader until its next read. So a reader that
// opens each frame that it reads of finds it, however slow it is.
//
// Threads: any. Callbacks run on the thread that appends, reads or closes, or by `post` if there
// are many; without a lock held.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fusefs/base/mutex.h"
#include "fusefs/capture/event_line.h"
#include "fusefs/capture/pool.h"
#include "fusefs/capture/shared_frames.h"

namespace grabfs {

class EventReader;

class EventLog : public std::enable_shared_from_this<EventLog> {
 public:
  // As FrameStreams::Permit.
  using Permit =
      std::function<std::shared_ptr<void>(const std::shared_ptr<Pool>& pool, uint64_t sequence)>;
  using Post = std::function<void(std::function<void()> task)>;

  // `post`: runs a task in another thread (the delivery thread of the device).
  EventLog(std::string device, std::shared_ptr<SharedFrames> frames, Post post)
      : device_(std::move(device)), frames_(std::move(frames)), post_(std::move(post)) {}

  // False: nobody would read an event, so there is no need to print it.
  [[nodiscard]] bool HasReaders() const;
  // Adds {"event": kind, "device": name, ...fields} for all readers.
  void Append(std::string_view kind, EventFields fields);
  // Adds a `frame` event, of a frame that is complete.
  void AppendFrame(const std::shared_ptr<Pool>& pool, uint64_t sequence, EventFields fields);
  // No more events: readers get the remaining lines, then the end of the file.
  void Close();
  // Adds a reader that starts with the next event. `permit`: see FrameStreams::Permit.
  std::unique_ptr<EventReader> Open(Permit permit);

 private:
  friend class EventReader;
  class Deliveries;
  struct Line {
    std::string text;
    // Of a frame:
    bool of_frame = false;
    std::weak_ptr<Pool> pool = {};
    uint64_t sequence = 0;

    // The line is about a frame that has lost its name.
    [[nodiscard]] bool Stale() const;
  };

  void Add(Line line);
  void CarryOut(std::unique_ptr<Deliveries> deliveries);
  // With mutex_ held.
  void CollectDeliveries(Deliveries& deliveries);
  [[nodiscard]] uint64_t end() const { return first_ + lines_.size(); }
  [[nodiscard]] const Line& At(uint64_t number) const { return lines_[number - first_]; }

  static constexpr size_t kMaxLines = 2048;

  const std::string device_;
  const std::shared_ptr<SharedFrames> frames_;
  const Post post_;
  mutable Mutex mutex_;     // guards all below and the state of the readers; before SharedFrames'
  std::deque<Line> lines_;  // the latest, with the numbers first_ to end() - 1
  uint64_t first_ = 0;
  std::vector<EventReader*> readers_;
  bool closed_ = false;
};

class EventReader {
 public:
  // Called once with whole lines; empty: the end.
  using Deliver = std::function<void(std::string lines)>;

  // From EventLog::Open().
  EventReader(std::shared_ptr<EventLog> log, EventLog::Permit permit);
  ~EventReader();
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  // Delivers at most `size` bytes of whole lines, up to the first line about a frame, now or as
  // soon as there are any. A line longer than `size` is delivered in pieces. False: another read is
  // waiting; only one may.
  bool Read(size_t size, Deliver deliver);
  // The same without waiting; nullopt: there is no line, and not the end.
  std::optional<std::string> TryRead(size_t size);
  // Cancels a waiting Read(). True: it was still waiting, and will not be delivered.
  bool CancelRead();
  // There is something to read, or the end.
  [[nodiscard]] bool Ready() const;
  // Calls `wake` once when Ready() becomes true; replaces an earlier `wake`.
  void NotifyReady(std::function<void()> wake);

 private:
  friend class EventLog;
  // All with the log's mutex held.
  [[nodiscard]] bool ReadyLocked() const;
  // A new read begins: returns the reservation of the last frame, unless a part of its line is
  // still to be read. The caller destroys it after it has released the lock.
  [[nodiscard]] FramePart ReadOn();
  // The next lines within `size` bytes, or nullopt.
  std::optional<std::string> Take(size_t size);
  std::string TakeLines(size_t size);
  // Skips lines that are not stored any more or are stale, and counts them in lost_.
  void CountLost();
  // Reserves the frame of a line, if the reader may hold it. False: the frame has gone.
  bool Reserve(const EventLog::Line& line);
  void CollectDelivery(EventLog::Deliveries& deliveries);

  const std::shared_ptr<EventLog> log_;
  const EventLog::Permit permit_;
  // Guarded by the log's mutex:
  uint64_t next_;       // number of the next line
  uint64_t lost_ = 0;   // lines before it that the next `lost` line will count
  std::string head_;    // the rest of a line that was read in part; comes before next_
  FramePart reserved_;  // the frame of the last line that was delivered
  size_t waiting_size_ = 0;
  Deliver waiting_;
  std::function<void()> wake_;
};

}  // namespace grabfs
