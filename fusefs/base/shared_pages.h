// SPDX-License-Identifier: Apache-2.0
//
// A small file that the daemon shares by mmap with programs that it does not trust. Whatever they
// do, the daemon's accesses to its pages neither wait nor fail: the file is on a ramfs that is
// mounted nowhere, so it is never swapped out and no hole can be punched. (On tmpfs, a page fault
// waits for whoever is punching a hole.) A file descriptor allows truncation: give clients mappings
// only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "fusefs/base/unique_fd.h"

namespace grabfs {

class SharedPages {
 public:
  // Zeroed, populated, charged to the daemon. Needs CAP_SYS_ADMIN, as passthrough does. May take
  // milliseconds (TakesTime()). Throws Error.
  static std::shared_ptr<SharedPages> Make(uint64_t bytes);
  ~SharedPages();
  SharedPages(const SharedPages&) = delete;
  SharedPages& operator=(const SharedPages&) = delete;

  [[nodiscard]] int fd() const { return fd_.get(); }
  // At a multiple of the page size.
  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }

 private:
  explicit SharedPages(uint64_t bytes);

  const UniqueFd fd_;
  const std::span<std::byte> bytes_;
};

}  // namespace grabfs
