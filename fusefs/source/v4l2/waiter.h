// SPDX-License-Identifier: Apache-2.0
//
// Waits for events of a V4L2 device. Its node must not be polled while it does not stream: poll()
// would report an error again and again, or even start to capture for read(). While it streams the
// node is polled edge-triggered (EPOLLET), because a stream without queued buffers counts as an
// error, too. A timer ends the wait once a second, because a device may vanish without an event.
#pragma once

#include "fusefs/base/unique_fd.h"

namespace grabfs {

class V4l2Waiter {
 public:
  // Throws Error.
  V4l2Waiter();

  // Readable when something may have happened, until Clear().
  [[nodiscard]] int fd() const { return epoll_.get(); }
  // Call it before looking at the device. True when the timer has expired: check whether it still
  // exists.
  bool Clear();
  // Begin and end to poll a node that streams. Watch() throws Error.
  void Watch(int node);
  void Unwatch(int node) noexcept;

 private:
  UniqueFd timer_;
  UniqueFd epoll_;
};

}  // namespace grabfs
