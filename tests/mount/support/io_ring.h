// SPDX-License-Identifier: Apache-2.0
//
// A minimal io_uring on the bare system calls: one ring, one registered buffer, one transfer at a
// time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "fusefs/base/unique_fd.h"
#include "tests/mount/support/file.h"

struct io_uring_params;
struct io_uring_sqe;

namespace grabfs::mount_test {

class IoRing {
 public:
  // nullopt where the kernel has no io_uring or forbids it.
  static std::optional<IoRing> Create();

  // Pins `buffer` until UnregisterBuffer() or the end of the ring. Returns errno, or 0. One at a
  // time.
  int RegisterBuffer(std::span<std::byte> buffer);
  int UnregisterBuffer();
  // Reads from the file at `offset` into the registered buffer. Returns bytes or -errno.
  int ReadFixed(int fd, uint64_t offset);
  // The same with the first `length` bytes of the buffer, in either direction.
  int ReadFixed(int fd, uint64_t offset, size_t length);
  int WriteFixed(int fd, uint64_t offset, size_t length);
  // Splices from the file at `offset` into a pipe. Returns bytes or -errno.
  int Splice(int file, uint64_t offset, int pipe, size_t length);

 private:
  IoRing(UniqueFd ring, Mapping rings, Mapping entries, const io_uring_params& params);

  int Transfer(uint8_t opcode, int fd, uint64_t offset, size_t length);
  int Submit(const io_uring_sqe& entry);
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
