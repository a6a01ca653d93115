// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/mount_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/base/mount_info.h"
#include "fusefs/base/thread.h"

namespace grabfs {

MountWatch::MountWatch(dev_t device, OnGone on_gone)
    : table_(CheckSyscall(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC), "mountinfo")),
      end_(CheckSyscall(eventfd(0, EFD_CLOEXEC), "eventfd")) {
  thread_ = StartThread("watching the mount",
                        [this, device, on_gone = std::move(on_gone)] { Run(device, on_gone); });
}

MountWatch::~MountWatch() {
  (void)eventfd_write(end_.get(), 1);
  thread_.join();
}

bool MountWatch::Wait(int milliseconds) const {
  pollfd end = {end_.get(), POLLIN, 0};
  return poll(&end, 1, milliseconds) == 0;
}

void MountWatch::Run(dev_t device, const OnGone& on_gone) const {
  for (;;) {
    // The kernel signals a change of the mount table by POLLPRI (proc(5)).
    std::array<pollfd, 2> events = {{{table_.get(), POLLPRI, 0}, {end_.get(), POLLIN, 0}}};
    (void)poll(events.data(), events.size(), -1);
    if (events[1].revents != 0) return;
    const auto mounts = ReadMountInfo();
    const bool here = std::ranges::any_of(
        mounts, [device](const MountInfo& mount) { return mount.device == device; });
    if (here || mounts.empty()) continue;
    on_gone(*this);
    return;
  }
}

}  // namespace grabfs
