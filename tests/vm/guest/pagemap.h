// SPDX-License-Identifier: Apache-2.0
//
// Which physical page is behind an address: the proof that two mappings show the very same memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace grabfs::vm {

// Page frame numbers of this process's pages in `memory`, which must be page-aligned; pages are
// touched first. Needs CAP_SYS_ADMIN; throws Error when a number is hidden or a page is absent.
std::vector<uint64_t> PageFrames(std::span<const std::byte> memory);

// A mapping, unmapped at the end of its life.
class Mapping {
 public:
  // Throws Error. Arguments as for mmap().
  Mapping(int fd, uint64_t bytes, int protection, int flags, int64_t offset = 0);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }

 private:
  std::span<std::byte> bytes_;
};

}  // namespace grabfs::vm
