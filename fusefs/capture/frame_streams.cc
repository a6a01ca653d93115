// SPDX-License-Identifier: Apache-2.0
#include "fusefs/capture/frame_streams.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "fusefs/base/error.h"

namespace grabfs {

void FrameStreams::Frame(const std::shared_ptr<Pool>& pool, uint64_t sequence) {
  Wakes wakes;
  {
    const std::lock_guard lock(mutex_);
    if (readers_.empty()) return;
    const uint64_t ordinal = next_ordinal_++;
    while (recent_.size() >= pool->memory.size()) recent_.pop_front();
    recent_.push_back({ordinal, pool, sequence});
    for (FrameStream* reader : readers_) {
      if (reader->mode_ == Mode::kLossless) reader->Queue(pool, sequence, ordinal);
    }
    wakes = CollectWakes();
  }
  for (const auto& wake : wakes) wake();
}

void FrameStreams::Lost(uint64_t count, int code) {
  const std::lock_guard lock(mutex_);
  next_ordinal_ += count;
  for (FrameStream* reader : readers_) reader->gap_code_ = code;
}

void FrameStreams::End() {
  Wakes wakes;
  {
    const std::lock_guard lock(mutex_);
    for (FrameStream* reader : readers_) {
      if (!reader->Ended()) reader->end_ = next_ordinal_;
    }
    wakes = CollectWakes();
  }
  for (const auto& wake : wakes) wake();
}

void FrameStreams::Close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  End();
}

std::unique_ptr<FrameStream> FrameStreams::Open(Mode mode, const std::string& file, int64_t pid,
                                                Permit permit, std::function<void()> on_ready) {
  return std::make_unique<FrameStream>(shared_from_this(), mode, Reader{file, pid},
                                       std::move(permit), std::move(on_ready));
}

std::vector<FrameStreams::Reader> FrameStreams::Readers() const {
  std::vector<Reader> readers;
  const std::lock_guard lock(mutex_);
  readers.reserve(readers_.size());
  for (const FrameStream* reader : readers_) readers.push_back(reader->reader_);
  return readers;
}

FrameStreams::Wakes FrameStreams::CollectWakes() const {
  Wakes wakes;
  wakes.reserve(readers_.size());
  for (const FrameStream* reader : readers_) wakes.push_back(reader->on_ready_);
  return wakes;
}

FrameStream::FrameStream(std::shared_ptr<FrameStreams> streams, FrameStreams::Mode mode,
                         FrameStreams::Reader reader, FrameStreams::Permit permit,
                         std::function<void()> on_ready)
    : streams_(std::move(streams)),
      mode_(mode),
      permit_(std::move(permit)),
      on_ready_(std::move(on_ready)),
      reader_(std::move(reader)) {
  const std::lock_guard lock(streams_->mutex_);
  if (streams_->closed_) throw Error(ENODEV, reader_.file + ": the device is gone");
  next_ = streams_->next_ordinal_;
  streams_->readers_.push_back(this);
}

FrameStream::~FrameStream() {
  std::deque<Waiting> released;  // without the lock: that wakes capture
  const std::lock_guard lock(streams_->mutex_);
  released.swap(queue_);
  std::erase(streams_->readers_, this);
  if (streams_->readers_.empty()) streams_->recent_.clear();
}

FrameStream::Taken FrameStream::Take() {
  const std::lock_guard lock(streams_->mutex_);
  return mode_ == FrameStreams::Mode::kLossless ? TakeQueued() : TakeRecent();
}

bool FrameStream::Ready() const {
  const std::lock_guard lock(streams_->mutex_);
  if (Ended() || !queue_.empty()) return true;
  return mode_ == FrameStreams::Mode::kSkip && !streams_->recent_.empty() &&
         streams_->recent_.back().ordinal >= next_;
}

FrameStream::Taken FrameStream::TakeRecent() {
  const auto& recent = streams_->recent_;
  for (auto it = std::ranges::lower_bound(recent, next_, {}, &FrameStreams::Announced::ordinal);
       it != recent.end() && (!end_ || it->ordinal < *end_); ++it) {
    const auto pool = it->pool.lock();
    if (!pool || !pool->ring.Find(it->sequence)) continue;
    auto held = HeldFrame::Hold(pool, it->sequence, permit_(pool, it->sequence));
    if (!held) continue;
    const uint64_t skipped = it->ordinal - next_;
    next_ = it->ordinal + 1;
    ++reader_.frames;
    reader_.skipped += skipped;
    return Frame{std::move(*held), skipped};
  }
  return TakeEnd();
}

void FrameStream::Queue(const std::shared_ptr<Pool>& pool, uint64_t sequence, uint64_t ordinal) {
  if (Ended()) return;
  try {
    if (auto held = HeldFrame::Hold(pool, sequence, permit_(pool, sequence))) {
      queue_.push_back({ordinal, std::move(*held)});
    } else {
      gap_code_ = ENOENT;  // unlinked already
    }
  } catch (const Error& error) {
    gap_code_ = error.code();
  }
}

FrameStream::Taken FrameStream::TakeQueued() {
  if (queue_.empty()) return TakeEnd();
  Waiting& first = queue_.front();
  if (first.ordinal > next_) {
    const uint64_t missing = first.ordinal - std::exchange(next_, first.ordinal);
    reader_.skipped += missing;
    return Gap{missing, gap_code_};
  }
  next_ = first.ordinal + 1;
  ++reader_.frames;
  Frame frame{std::move(first.held), 0};
  queue_.pop_front();
  return frame;
}

FrameStream::Taken FrameStream::TakeEnd() {
  if (!end_) return Nothing{};
  if (next_ >= *end_) return End{0};
  const uint64_t missing = *end_ - std::exchange(next_, *end_);
  reader_.skipped += missing;
  if (mode_ == FrameStreams::Mode::kLossless) return Gap{missing, gap_code_};
  return End{missing};
}

}  // namespace grabfs
