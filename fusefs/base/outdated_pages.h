// SPDX-License-Identifier: Apache-2.0
//
// Which pages of a file the kernel has not asked for since a device replaced their contents. What
// it writes back of such a page was stored in it before: it is older than what is there now.
//
// A page that is pushed out of the page cache may still be on its way to us when the cache has been
// dropped (kernels before 6.16 copy it first, and wait for the copy nowhere but before they read
// the page again). So the end of the dropping says nothing about what is still to come. The next
// read of the page does: whatever comes later was stored later.
//
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

namespace grabfs {

class OutdatedPages {
 public:
  // The contents up to `bytes` are others now. Before the kernel is asked to drop its pages.
  void Replaced(uint64_t bytes);
  // The kernel asks for these bytes. Before they are looked at.
  void Read(uint64_t offset, uint64_t size);
  // These were written, and the kernel may have kept them: pages that were written as a whole.
  void Written(uint64_t offset, uint64_t size);

  // Of what the kernel writes back at `offset`, the parts that are to be applied: part by part,
  // `apply(offset, part)`.
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
  // Bytes that share their fate.
  struct Piece {
    size_t size;
    bool outdated;
  };
  [[nodiscard]] Piece PieceAt(uint64_t offset, size_t size) const;
  void Forget(uint64_t first_page, uint64_t end_page);

  mutable std::mutex mutex_;    // guards all below; leaf
  uint64_t replaced_ = 0;       // bytes
  uint64_t count_ = 0;          // of outdated pages
  std::vector<bool> outdated_;  // by page
};

}  // namespace grabfs
