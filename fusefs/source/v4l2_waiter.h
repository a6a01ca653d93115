// SPDX-License-Identifier: Apache-2.0
//
// Waiting for a V4L2 device. Its node must not be polled while nothing streams: that reports an
// error for ever, or, worse, begins to capture for read(). While it streams, changes are waited
// for, not states, because a stream without queued buffers is an error too. And as a device may
// vanish without a word, once a second somebody has to look.
#pragma once

#include "fusefs/base/unique_fd.h"

namespace grabfs {

class V4l2Waiter {
 public:
  // Throws Error.
  V4l2Waiter();

  // Readable when something may have happened; until Clear().
  [[nodiscard]] int fd() const { return epoll_.get(); }
  // To be called before looking at the device. True when a second has passed since the last time.
  bool Clear();
  // A node that streams, from now on and not any more. Throws Error.
  void Watch(int node);
  void Unwatch(int node) noexcept;

 private:
  UniqueFd timer_;
  UniqueFd epoll_;
};

}  // namespace grabfs
