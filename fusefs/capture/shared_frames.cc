// SPDX-License-Identifier: Apache-2.0
#include "fusefs/capture/shared_frames.h"

#include <algorithm>
#include <cerrno>

namespace grabfs {

std::shared_ptr<SharedFrame> SharedFrames::Hold(const std::shared_ptr<Pool>& pool,
                                                uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  auto frame = Find({pool.get(), sequence});
  if (!frame) return Add(pool, sequence, Ring::Purpose::kOpened);
  frame->held.CountAsOpened();
  return frame;
}

SharedFrames::Reserved SharedFrames::Reserve(const std::shared_ptr<Pool>& pool, uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  if (auto frame = Find({pool.get(), sequence})) return {std::move(frame)};
  if (CountOf(*pool) + Ring::kLeftToCapture >= pool->memory.size()) return {nullptr, ENOBUFS};
  auto frame = Add(pool, sequence, Ring::Purpose::kKept);
  return {frame, frame ? 0 : ENOENT};
}

size_t SharedFrames::CountOf(const Pool& pool) const {
  return static_cast<size_t>(std::ranges::count_if(frames_, [&pool](const auto& entry) {
    return entry.first.first == &pool && !entry.second.expired();
  }));
}

std::shared_ptr<SharedFrame> SharedFrames::Find(const Key& key) {
  const auto it = frames_.find(key);
  return it == frames_.end() ? nullptr : it->second.lock();
}

std::shared_ptr<SharedFrame> SharedFrames::Add(const std::shared_ptr<Pool>& pool, uint64_t sequence,
                                               Ring::Purpose purpose) {
  auto held = HeldFrame::Hold(pool, sequence, purpose);
  if (!held) return nullptr;
  std::erase_if(frames_, [](const auto& entry) { return entry.second.expired(); });
  auto frame = std::make_shared<SharedFrame>(std::move(*held));
  frames_[{pool.get(), sequence}] = frame;
  return frame;
}

}  // namespace grabfs
