// SPDX-License-Identifier: Apache-2.0
//
// Which pages of a file the kernel has not read since a device replaced their contents (cached data
// path). If the kernel writes back such a page, its contents are older than what the device wrote,
// and must not be applied.
//
// Writeback of a page may arrive after the kernel has invalidated the page cache: kernels
// before 6.16 copy the page first, and wait for that copy only before they read the page again. So
// the end of the invalidation proves nothing. The kernel's next read of the page does: whatever it
// writes back after that was stored after it.
//
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "fusefs/base/mutex.h"

namespace grabfs {

class OutdatedPages {
 public:
  // A device has replaced the first `bytes`. Call it before the kernel's pages are invalidated.
  void Replaced(uint64_t bytes);
  // The kernel reads these bytes. Call it before they are copied.
  void Read(uint64_t offset, uint64_t size);
  // A write() of these bytes: pages that it covers as a whole may be in the page cache, up to date.
  void Written(uint64_t offset, uint64_t size);

  // For `data` that the kernel writes back at `offset`: calls `apply(offset, part)` for each part
  // that is not outdated.
  template <typename Apply>
  void WriteBack(uint64_t offset, std::span<const std::byte> data, Apply&& apply) const {
    while (!data.empty()) {
      const Piece piece = PieceAt(offset, data.size());
      if (!piece.outdated) apply(offset, data.first(piece.size));
      offset += piece.size;
      data = data.subspan(piece.size);
    }
  }

 private:
  // Bytes that are all outdated, or all not.
  struct Piece {
    size_t size;
    bool outdated;
  };
  [[nodiscard]] Piece PieceAt(uint64_t offset, size_t size) const;
  void Forget(uint64_t first_page, uint64_t end_page);

  mutable Mutex mutex_;         // guards all below; leaf
  uint64_t replaced_ = 0;       // bytes
  uint64_t count_ = 0;          // of outdated pages
  std::vector<bool> outdated_;  // by page
};

}  // namespace grabfs
