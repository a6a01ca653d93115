// SPDX-License-Identifier: Apache-2.0
//
// A mapping that is changed by mremap, mprotect and partial munmap, without ever touching memory
// that belongs to anybody else: it lies in a reservation of address space between guards.
// What is unmapped becomes a guard, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace grabfs::differential {

class MappedRange {
 public:
  // For mappings of at most `capacity` bytes.
  explicit MappedRange(size_t capacity);
  MappedRange(const MappedRange&) = delete;
  MappedRange& operator=(const MappedRange&) = delete;
  ~MappedRange() { Drop(); }

  // What to map, as for mmap(); `file` is remembered.
  struct Request {
    int fd;
    int file;
    size_t length;
    int64_t offset;
    int protection;
    int flags;
  };
  // These return 0 or -errno. Map() replaces what was mapped.
  int64_t Map(const Request& request);
  int64_t Unmap(size_t offset, size_t length);
  int64_t Resize(size_t length, int flags);

  [[nodiscard]] bool mapped() const { return base_ != nullptr; }
  [[nodiscard]] int file() const { return file_; }
  // Where in the file the byte at `offset` of the mapping is.
  [[nodiscard]] int64_t PositionOf(size_t offset) const {
    return file_offset_ + static_cast<int64_t>(offset);
  }
  // The part of `offset` and `length` that lies in the pages of the mapping; may have guards in it.
  // An offset past the end is the end.
  [[nodiscard]] std::span<std::byte> Part(size_t offset, size_t length) const;

 private:
  [[nodiscard]] size_t reserved() const;
  [[nodiscard]] std::byte* Reserve() const;
  void GuardFrom(std::byte* from) const;
  void Drop();
  int64_t ResizeInPlace(size_t length);
  int64_t Move(size_t length, int flags);

  const size_t capacity_;  // whole pages
  std::byte* base_ = nullptr;
  size_t length_ = 0;
  int file_ = -1;
  int64_t file_offset_ = 0;
};

}  // namespace grabfs::differential
