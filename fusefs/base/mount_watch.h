// SPDX-License-Identifier: Apache-2.0
//
// Reports when a mount has left the mount table of this process. The filesystem may live on:
// another mount namespace may have a copy of the mount, or a program a file open after a lazy
// unmount.
#pragma once

#include <sys/types.h>

#include <functional>
#include <thread>

#include "fusefs/base/unique_fd.h"

namespace grabfs {

class MountWatch {
 public:
  // `watch`: this object.
  using OnGone = std::function<void(const MountWatch& watch)>;

  // Starts a thread that calls `on_gone` once, when no mount of `device` is left here. Throws
  // Error.
  MountWatch(dev_t device, OnGone on_gone);
  // Joins the thread.
  ~MountWatch();
  MountWatch(const MountWatch&) = delete;
  MountWatch& operator=(const MountWatch&) = delete;

  // For `on_gone` only: sleeps that long. False: the MountWatch is being destroyed.
  [[nodiscard]] bool Wait(int milliseconds) const;

 private:
  void Run(dev_t device, const OnGone& on_gone) const;

  UniqueFd table_;
  UniqueFd end_;  // eventfd
  std::thread thread_;
};

}  // namespace grabfs
