// SPDX-License-Identifier: Apache-2.0
//
// Load on a mount: processes that open, read and map whatever frames a device has, at random, and
// insist that each is one frame as long as they look at it. That the frame, the device or the mount
// is gone is no failure; a wrong byte or any other error is.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "tests/mount/support/device.h"
#include "tests/mount/support/picture.h"
#include "tests/mount/support/process.h"

namespace grabfs::vm {

class FrameReaders {
 public:
  // Starts them; each draws from a seed of its own. `picture` is what the device captures.
  FrameReaders(const mount_test::Device& device, const mount_test::Picture& picture, unsigned count,
               uint64_t seed);
  FrameReaders(const FrameReaders&) = delete;
  FrameReaders& operator=(const FrameReaders&) = delete;
  ~FrameReaders();

  // Lets them finish what they look at. Returns how many frames were looked at; what went wrong
  // becomes a failure of the test. On the data path without passthrough a page that has not been
  // read when the daemon is killed is a SIGBUS.
  uint64_t Stop();

 private:
  // In memory that the readers share with the test.
  struct Shared {
    std::atomic<bool> stop;
    std::atomic<uint64_t> looked_at;
  };

  Shared* shared_;
  std::vector<std::unique_ptr<mount_test::Child>> readers_;
};

}  // namespace grabfs::vm
