// SPDX-License-Identifier: Apache-2.0
//
// Holds a frame for as long as this object exists. The daemon itself reads the bytes; no client
// maps them by this hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "fusefs/capture/pool.h"

namespace grabfs {

class HeldFrame {
 public:
  // Takes over a hold, and a share (HoldLimit) that is given back after it.
  HeldFrame(std::shared_ptr<Pool> pool, const Ring::Frame& frame, std::shared_ptr<void> share)
      : share_(std::move(share)), pool_(std::move(pool)), frame_(frame) {}
  // nullopt when the frame has gone.
  static std::optional<HeldFrame> Hold(std::shared_ptr<Pool> pool, uint64_t sequence,
                                       Ring::Purpose purpose) {
    const auto frame = pool->ring.Hold(sequence, purpose);
    if (!frame) return std::nullopt;
    return HeldFrame(std::move(pool), *frame, nullptr);
  }
  ~HeldFrame() {
    if (pool_) pool_->ring.Release(frame_.slot, false);
  }
  HeldFrame(HeldFrame&& other) noexcept
      : share_(std::move(other.share_)),
        pool_(std::exchange(other.pool_, nullptr)),
        frame_(other.frame_) {}
  HeldFrame& operator=(HeldFrame&& other) noexcept {
    std::swap(share_, other.share_);
    std::swap(pool_, other.pool_);
    std::swap(frame_, other.frame_);
    return *this;
  }
  HeldFrame(const HeldFrame&) = delete;
  HeldFrame& operator=(const HeldFrame&) = delete;

  [[nodiscard]] const FrameFormat& format() const { return pool_->format; }
  [[nodiscard]] const FrameInfo& info() const { return frame_.info; }
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return pool_->memory[frame_.slot]->bytes().first(frame_.info.bytes_used);
  }
  // For a frame held with kKept: now a reader does get it, so it counts as delivered.
  void CountAsOpened() const {
    if (pool_->ring.Hold(frame_.info.sequence)) pool_->ring.Release(frame_.slot, false);
  }

 private:
  std::shared_ptr<void> share_;  // may be null
  std::shared_ptr<Pool> pool_;
  Ring::Frame frame_;
};

}  // namespace grabfs
