// SPDX-License-Identifier: Apache-2.0
//
// Waiting for a V4L2 device. Its node cannot be polled as it is: it reports an error for as long as
// nothing is streaming, and often nothing at all when the device is unplugged. So changes are
// waited for, not states, and once a second somebody has to look.
#pragma once

#include "fusefs/base/unique_fd.h"

namespace grabfs {

class V4l2Waiter {
 public:
  // Throws Error.
  explicit V4l2Waiter(int node);

  // Readable when something may have happened; until Clear().
  [[nodiscard]] int fd() const { return epoll_.get(); }
  // To be called before looking at the device. True when a second has passed since the last time.
  bool Clear();
  // The node is about to be closed: from now on nothing happens.
  void Forget();

 private:
  UniqueFd timer_;
  UniqueFd epoll_;
};

}  // namespace grabfs
