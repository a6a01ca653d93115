// SPDX-License-Identifier: Apache-2.0
#include "fusefs/capture/frame_streams.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "fusefs/base/error.h"

namespace grabfs {

void FrameStreams::Frame(const std::shared_ptr<Pool>& pool, uint64_t sequence) {
  {
    const std::lock_guard lock(mutex_);
    if (readers_.empty()) return;
    buffers_ = pool->memory.size();
    const Announced announced{next_ordinal_++, pool, sequence};
    while (recent_.size() >= buffers_) recent_.pop_front();
    recent_.push_back(announced);
    for (FrameStream* reader : readers_) reader->Reserve(announced);
  }
  Wake();
}

void FrameStreams::Lost(uint64_t count, int code) {
  const std::lock_guard lock(mutex_);
  next_ordinal_ += count;
  for (FrameStream* reader : readers_) reader->Miss(count, code);
}

void FrameStreams::End() {
  {
    const std::lock_guard lock(mutex_);
    for (FrameStream* reader : readers_) {
      if (!reader->Ended()) reader->end_ = next_ordinal_;
    }
  }
  Wake();
}

void FrameStreams::Close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  End();
}

std::unique_ptr<FrameStream> FrameStreams::Open(Mode mode, const std::string& file, int64_t pid,
                                                Permit permit, OnReady on_ready) {
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

bool FrameStreams::MakeRoomFor(const FrameStream& reader) {
  FrameStream* longest_away = nullptr;
  for (FrameStream* other : readers_) {
    if (other->mode_ == Mode::kSkip || other->came_at_ >= reader.came_at_) continue;
    if (other->reserved_.empty() && !other->taken_) continue;
    if (longest_away == nullptr || other->came_at_ < longest_away->came_at_) longest_away = other;
  }
  return longest_away != nullptr && longest_away->GiveUpOne();
}

void FrameStreams::Wake() {
  {
    const std::lock_guard lock(mutex_);
    if (readers_.empty() || std::exchange(waking_, true)) return;
  }
  post_([self = shared_from_this()] { self->WakeNow(); });
}

void FrameStreams::WakeNow() {
  std::vector<std::shared_ptr<const OnReady>> wakes;
  {
    const std::lock_guard lock(mutex_);
    waking_ = false;
    wakes.reserve(readers_.size());
    for (const FrameStream* reader : readers_) wakes.push_back(reader->on_ready_);
  }
  for (const auto& wake : wakes) (*wake)();
}

FrameStream::FrameStream(std::shared_ptr<FrameStreams> streams, FrameStreams::Mode mode,
                         FrameStreams::Reader reader, FrameStreams::Permit permit,
                         FrameStreams::OnReady on_ready)
    : streams_(std::move(streams)),
      mode_(mode),
      permit_(std::move(permit)),
      on_ready_(std::make_shared<const FrameStreams::OnReady>(std::move(on_ready))),
      reader_(std::move(reader)) {
  const std::lock_guard lock(streams_->mutex_);
  if (streams_->closed_) throw Error(ENODEV, reader_.file + ": the device is gone");
  next_ = streams_->next_ordinal_;
  streams_->readers_.push_back(this);
}

FrameStream::~FrameStream() {
  const std::lock_guard lock(streams_->mutex_);
  std::erase(streams_->readers_, this);
  if (streams_->readers_.empty()) streams_->recent_.clear();
}

FrameStream::Taken FrameStream::Take() {
  const std::lock_guard lock(streams_->mutex_);
  taken_.reset();
  ComeLocked();
  return mode_ == FrameStreams::Mode::kLossless ? TakeReserved() : TakeRecent();
}

bool FrameStream::Finish() {
  const std::lock_guard lock(streams_->mutex_);
  return std::exchange(taken_, nullptr) != nullptr;
}

bool FrameStream::Ready() {
  const std::lock_guard lock(streams_->mutex_);
  ComeLocked();
  if (Ended() || !reserved_.empty()) return true;
  return mode_ == FrameStreams::Mode::kSkip && FirstRecent() != streams_->recent_.end();
}

void FrameStream::Come() {
  const std::lock_guard lock(streams_->mutex_);
  ComeLocked();
}

void FrameStream::ComeLocked() {
  if (mode_ == FrameStreams::Mode::kSkip) return;
  missed_ = 0;
  came_at_ = streams_->next_ordinal_;
  if (!std::exchange(reserving_, true)) some_unreserved_ = true;
  if (some_unreserved_) ReserveTheRest();
}

std::deque<FrameStreams::Announced>::const_iterator FrameStream::FirstRecent() const {
  return std::ranges::lower_bound(streams_->recent_, next_, {}, &Announced::ordinal);
}

FrameStream::Taken FrameStream::TakeRecent() {
  for (auto it = FirstRecent(); it != streams_->recent_.end() && IsForUs(it->ordinal); ++it) {
    const auto pool = it->pool.lock();
    if (!pool || !pool->ring.Find(it->sequence)) continue;
    auto share = permit_(pool, it->sequence);
    auto frame = streams_->frames_->Hold(pool, it->sequence);
    if (!frame) continue;
    return Give(it->ordinal,
                std::make_shared<const FramePart>(FramePart{std::move(share), std::move(frame)}));
  }
  return TakeEnd();
}

FrameStream::Taken FrameStream::TakeReserved() {
  if (some_unreserved_) HoldNext();
  if (reserved_.empty()) return TakeEnd();
  const auto first = reserved_.begin();
  if (const uint64_t missing = MissingBefore(first->first)) return Gap{missing, gap_code_};
  auto part = std::move(first->second);
  reserved_.erase(first);
  part->frame->held.CountAsOpened();
  return Give(next_, std::move(part));
}

FrameStream::Taken FrameStream::Give(uint64_t ordinal, std::shared_ptr<const FramePart> part) {
  const uint64_t skipped = MissingBefore(ordinal);
  ++next_;
  ++reader_.frames;
  taken_ = std::move(part);
  return Frame{taken_, skipped};
}

FrameStream::Taken FrameStream::TakeEnd() {
  if (!end_) return Nothing{};
  const uint64_t missing = MissingBefore(std::max(next_, *end_));
  if (missing > 0 && mode_ == FrameStreams::Mode::kLossless) return Gap{missing, gap_code_};
  return End{missing};
}

uint64_t FrameStream::MissingBefore(uint64_t ordinal) {
  const uint64_t missing = ordinal - std::exchange(next_, ordinal) + std::exchange(given_up_, 0);
  reader_.skipped += missing;
  return missing;
}

void FrameStream::HoldNext() {
  for (auto it = FirstRecent(); it != streams_->recent_.end() && IsForUs(it->ordinal); ++it) {
    if (reserved_.contains(it->ordinal)) return;
    const auto pool = it->pool.lock();
    if (!pool || !pool->ring.Find(it->sequence)) continue;
    try {
      auto share = permit_(pool, it->sequence);
      auto frame = streams_->frames_->Hold(pool, it->sequence);
      if (!frame) continue;
      reserved_.emplace(it->ordinal, std::make_shared<const FramePart>(
                                         FramePart{std::move(share), std::move(frame)}));
    } catch (const Error& error) {
      gap_code_ = error.code();
    }
    return;
  }
}

void FrameStream::Reserve(const Announced& announced) {
  if (!reserving_ || Ended()) return;
  if (const int code = TryReserve(announced)) {
    some_unreserved_ = true;
    Miss(1, code);
  }
}

void FrameStream::ReserveTheRest() {
  some_unreserved_ = false;
  for (auto it = FirstRecent(); it != streams_->recent_.end() && IsForUs(it->ordinal); ++it) {
    if (reserved_.contains(it->ordinal)) continue;
    const int code = TryReserve(*it);
    if (code == 0 || code == ENOENT) continue;
    some_unreserved_ = true;
    return;
  }
}

int FrameStream::TryReserve(const Announced& announced) {
  const auto pool = announced.pool.lock();
  if (!pool) return ENOENT;
  try {
    auto share = permit_(pool, announced.sequence);
    for (;;) {
      auto [frame, code] = streams_->frames_->Reserve(pool, announced.sequence);
      if (frame) {
        reserved_.emplace(announced.ordinal, std::make_shared<const FramePart>(
                                                 FramePart{std::move(share), std::move(frame)}));
        return 0;
      }
      if (code != ENOBUFS || !streams_->MakeRoomFor(*this)) return code;
    }
  } catch (const Error& error) {
    return error.code();
  }
}

void FrameStream::Miss(uint64_t count, int code) {
  gap_code_ = code;
  if (!reserving_ || Ended()) return;
  missed_ += count;
  if (missed_ < streams_->buffers_) return;
  reserving_ = false;
  some_unreserved_ = true;
  reserved_.clear();
}

bool FrameStream::GiveUpOne() {
  some_unreserved_ = true;
  if (!reserved_.empty()) {
    reserved_.erase(std::prev(reserved_.end()));
    return true;
  }
  if (!taken_) return false;
  // It is missing now, though a part of it was read.
  taken_.reset();
  ++given_up_;
  --reader_.frames;
  gap_code_ = ENOBUFS;
  return true;
}

}  // namespace grabfs
