// SPDX-License-Identifier: Apache-2.0
//
// As little io_uring as a test of registered buffers needs, on the bare system calls: one ring, one
// registered buffer, one transfer at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "fusefs/base/unique_fd.h"
#include "tests/mount/support/file.h"

struct io_uring_params;

namespace grabfs::mount_test {

class IoRing {
 public:
  // nullopt where the kernel has no io_uring or forbids it.
  static std::optional<IoRing> Create();

  // Pins `buffer` until it is taken back or the ring ends; errno, 0 when done. One at a time.
  int RegisterBuffer(std::span<std::byte> buffer);
  int UnregisterBuffer();
  // Fills the registered buffer from the file, from `offset` on: bytes read or -errno.
  int ReadFixed(int fd, uint64_t offset);
  // The same with the first `length` bytes of the buffer, in either direction.
  int ReadFixed(int fd, uint64_t offset, size_t length);
  int WriteFixed(int fd, uint64_t offset, size_t length);

 private:
  IoRing(UniqueFd ring, Mapping rings, Mapping entries, const io_uring_params& params);

  int Transfer(uint8_t opcode, int fd, uint64_t offset, size_t length);
  // A word of the shared ring memory.
  [[nodiscard]] uint32_t* Word(uint32_t offset) const;

  UniqueFd ring_;
  Mapping rings_;
  Mapping entries_;
  uint32_t submit_tail_;
  uint32_t submit_mask_;
  uint32_t submit_array_;
  uint32_t complete_head_;
  uint32_t complete_mask_;
  uint32_t completions_;
  std::span<std::byte> buffer_;
};

}  // namespace grabfs::mount_test
