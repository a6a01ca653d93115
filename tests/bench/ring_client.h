// SPDX-License-Identifier: Apache-2.0
//
// A reader of a device's ring, as libgrabfs makes one inside.
#pragma once

#include "cli/lib/ring_reader.h"
#include "fusefs/base/unique_fd.h"
#include "tests/bench/daemon.h"
#include "tests/mount/support/file.h"

namespace grabfs::bench {

class RingClient {
 public:
  // Throws Error.
  explicit RingClient(const mount_test::Device& device);

  // Owned by this object.
  [[nodiscard]] grabfs_ring_reader* reader() { return &reader_; }

 private:
  mount_test::Mapping ring_;
  mount_test::Mapping page_;
  grabfs_ring_reader reader_{};
};

}  // namespace grabfs::bench
