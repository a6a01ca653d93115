// SPDX-License-Identifier: Apache-2.0
//
// The frames of one device that the daemon holds for readers of its streams and events. Each frame
// is held once for all of them, together with what is converted from it.
//
// A *reserved* frame is held for a reader that may come for it late or never. Reserved frames of
// all readers leave at least two buffers to capture: one to be filled, and one with the newest
// frame.
//
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "fusefs/base/mutex.h"
#include "fusefs/capture/held_frame.h"
#include "fusefs/capture/pool.h"

namespace grabfs {

// A frame, held until its last reader has released it.
struct SharedFrame {
  explicit SharedFrame(HeldFrame frame) : held(std::move(frame)) {}

  const HeldFrame held;
  // For the layer above: what it converts from the frame; guarded by that layer.
  std::shared_ptr<void> attachment;
};

// The reference of one reader to a frame.
struct FramePart {
  std::shared_ptr<void> share;  // counts for the reader's user (HoldLimit); may be null
  std::shared_ptr<SharedFrame> frame;
};

class SharedFrames {
 public:
  // Holds a frame for a reader that gets its bytes now. nullptr: the frame has gone.
  std::shared_ptr<SharedFrame> Hold(const std::shared_ptr<Pool>& pool, uint64_t sequence);
  // Holds a frame for a reader that may come for it later.
  struct Reserved {
    std::shared_ptr<SharedFrame> frame;
    int code =
        0;  // if `frame` is null: ENOENT: it has gone; ENOBUFS: too few buffers would be left
  };
  Reserved Reserve(const std::shared_ptr<Pool>& pool, uint64_t sequence);

 private:
  // Of a pool, and the sequence number.
  using Key = std::pair<const Pool*, uint64_t>;

  // All expect mutex_ to be held.
  [[nodiscard]] size_t CountOf(const Pool& pool) const;
  std::shared_ptr<SharedFrame> Find(const Key& key);
  std::shared_ptr<SharedFrame> Add(const std::shared_ptr<Pool>& pool, uint64_t sequence,
                                   Ring::Purpose purpose);

  Mutex mutex_;  // guards frames_; before Ring's
  std::map<Key, std::weak_ptr<SharedFrame>> frames_;
};

}  // namespace grabfs
