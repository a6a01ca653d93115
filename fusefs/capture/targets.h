// SPDX-License-Identifier: Apache-2.0
//
// Memory of users' own that a device is to fill with the next frames, one each: it goes to the
// source in place of buffers of the ring, first come, first served.
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
  std::string name;  // for people
  std::shared_ptr<Memory> memory;
  // It has new contents, which nobody has been told of yet. May block.
  std::function<void()> on_refilled;
  // Once, at the end. nullptr: there is no frame in it, because the transfer failed or capturing
  // ended before.
  std::function<void(const FrameFormat& format, const FrameInfo* info)> on_done;
};

class Targets {
 public:
  // Throws Error when the source cannot fill it; on_done is not called then.
  void Add(Source& source, Target target);
  // A target waits to be queued.
  [[nodiscard]] bool waiting() const { return !waiting_.empty(); }
  void QueueNext(Source& source);
  // The one that the source knows by this number, which it has given back; nullopt: none.
  std::optional<Target> Take(Source& source, uint32_t buffer);
  // All that are left. The source is idle.
  std::deque<Target> TakeAll(Source& source);
  // The name of the first; empty: there is none.
  [[nodiscard]] std::string next() const;

 private:
  std::map<uint32_t, Target> targets_;  // by the source's number, waiting or queued
  std::deque<uint32_t> waiting_;
};

}  // namespace grabfs
