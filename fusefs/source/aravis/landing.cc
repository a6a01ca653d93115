// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/aravis/landing.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

size_t WholePages(size_t bytes) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

// `bytes` of the file, and `extra` bytes of anonymous memory directly behind its last page.
std::span<std::byte> MapWithRoomBehind(int file, size_t bytes, size_t extra) {
  const size_t total = WholePages(bytes) + WholePages(extra);
  void* const room =
      ::mmap(nullptr, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) ThrowErrno("aravis: memory behind a buffer");
  if (::mmap(room, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED) {
    const Error error(errno, "aravis: cannot map a buffer");
    ::munmap(room, total);
    throw error;
  }
  return {static_cast<std::byte*>(room), total};
}

}  // namespace

Landing::Landing(std::shared_ptr<Memory> memory, uint64_t image, uint64_t wire, uint64_t payload)
    : memory_(std::move(memory)) {
  const uint64_t behind = payload > wire ? payload - wire : 0;
  std::span<std::byte> all = memory_->bytes();
  if (behind > 0) all = mapped_ = MapWithRoomBehind(memory_->live_fd(), image, behind);
  image_ = all.first(image);
  payload_ = all.subspan(image - wire, wire + behind);
}

Landing::~Landing() {
  if (!mapped_.empty()) ::munmap(mapped_.data(), mapped_.size());
}

void Landing::ClearTail() {
  if (mapped_.empty()) return;
  const std::span<std::byte> page =
      mapped_.subspan(image_.size(), WholePages(image_.size()) - image_.size());
  std::ranges::fill(page, std::byte{0});
}

}  // namespace grabfs
