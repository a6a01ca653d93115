// SPDX-License-Identifier: Apache-2.0
//
// Targets: files of alloc/ that a device fills with its next frames, one each. The source gets them
// in place of buffers of the ring, in the order in which they were added.
//
// Threads: the capture thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "fusefs/base/memory.h"
#include "fusefs/base/pixel_format.h"
#include "fusefs/ring/ring.h"
#include "fusefs/source/source.h"

namespace grabfs {

struct Target {
  std::string name;  // for messages and events
  std::shared_ptr<Memory> memory;
  // Called when the memory has new contents, before the frame is announced. May block.
  std::function<void()> on_refilled;
  // Called once, at the end. `info` null: there is no frame in it, because the transfer failed or
  // capturing ended before.
  std::function<void(const FrameFormat& format, const FrameInfo* info)> on_done;
};

class Targets {
 public:
  // Throws Error when the source cannot fill it; on_done is not called then.
  void Add(Source& source, Target target);
  // A target has not been queued yet.
  [[nodiscard]] bool waiting() const { return !waiting_.empty(); }
  void QueueNext(Source& source);
  // Removes and returns the target that the source has completed under this number; nullopt: the
  // number is not a target's.
  std::optional<Target> Take(Source& source, uint32_t buffer);
  // Removes and returns all targets. The source must be idle.
  std::deque<Target> TakeAll(Source& source);
  // The name of the first target; empty: there is none.
  [[nodiscard]] std::string next() const;

 private:
  std::map<uint32_t, Target> targets_;  // by the source's number, waiting or queued
  std::deque<uint32_t> waiting_;
};

}  // namespace grabfs
