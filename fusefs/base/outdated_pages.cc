// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/outdated_pages.h"

#include <algorithm>

namespace grabfs {
namespace {

// The page size of the kernel's page cache; of a large folio, too, each page is dirty by itself.
constexpr uint64_t kPageBytes = 4096;

constexpr uint64_t PagesOf(uint64_t bytes) { return (bytes + kPageBytes - 1) / kPageBytes; }

}  // namespace

void OutdatedPages::Replaced(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  replaced_ = bytes;
  count_ = PagesOf(bytes);
  outdated_.assign(count_, true);
}

void OutdatedPages::Read(uint64_t offset, uint64_t size) {
  Forget(offset / kPageBytes, PagesOf(offset + size));
}

void OutdatedPages::Written(uint64_t offset, uint64_t size) {
  Forget(PagesOf(offset), (offset + size) / kPageBytes);
}

void OutdatedPages::Forget(uint64_t first_page, uint64_t end_page) {
  const std::lock_guard lock(mutex_);
  if (count_ == 0) return;
  for (uint64_t page = first_page; page < std::min<uint64_t>(end_page, outdated_.size()); ++page) {
    if (outdated_[page]) --count_;
    outdated_[page] = false;
  }
}

OutdatedPages::Piece OutdatedPages::PieceAt(uint64_t offset, size_t size) const {
  const std::lock_guard lock(mutex_);
  if (count_ == 0 || offset >= replaced_) return {size, false};
  const uint64_t page = offset / kPageBytes;
  // The part of the last page behind the contents was not replaced.
  const uint64_t end = std::min((page + 1) * kPageBytes, replaced_);
  return {static_cast<size_t>(std::min<uint64_t>(size, end - offset)), outdated_[page]};
}

}  // namespace grabfs
