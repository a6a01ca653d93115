// SPDX-License-Identifier: Apache-2.0
//
// A reader of a device's ring, as a program would write it. Throws Error.
#pragma once

#include <fcntl.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cli/lib/ring_reader.h"
#include "fusefs/base/error.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {

inline UniqueFd OpenPage(const Device& device) {
  return UniqueFd(CheckSyscall(
      ::open(device.Path("readers").c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), "readers"));
}

// A reader with its mappings; descriptors are closed.
class RingClient {
 public:
  explicit RingClient(const Device& device)
      : ring_(MapAndClose(device.Path("ring"))),
        page_(OpenPage(device).get(), sizeof(grabfs_hold_page), PROT_READ | PROT_WRITE) {
    attached = grabfs_ring_attach(&ring, ring_.data(), ring_.size(), page_.data(), page_.size());
    for (unsigned slot = 0; attached == 0 && slot < ring.ring->slots; ++slot) {
      buffers_.push_back(MapAndClose(device.Buffer(slot)));
    }
  }

  std::optional<uint64_t> HoldNewest(uint32_t word = 0) {
    return grabfs_ring_hold_newest(&ring, word, &frame) == 0 ? std::optional(frame.sequence)
                                                             : std::nullopt;
  }
  void Release(uint32_t word = 0) { grabfs_ring_release(&ring, word); }
  [[nodiscard]] std::span<const std::byte> pixels() const { return buffers_[frame.slot].bytes(); }
  [[nodiscard]] Mapping& page() { return page_; }

  int attached = -1;
  grabfs_ring_reader ring{};
  grabfs_ring_frame frame{};

 private:
  Mapping ring_;
  Mapping page_;
  std::vector<Mapping> buffers_;
};

}  // namespace grabfs::mount_test
