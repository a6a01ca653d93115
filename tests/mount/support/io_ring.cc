// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/support/io_ring.h"

#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

namespace grabfs::mount_test {

std::optional<IoRing> IoRing::Create() {
  io_uring_params params{};
  UniqueFd ring(static_cast<int>(::syscall(SYS_io_uring_setup, 1, &params)));
  if (!ring.valid() || !(params.features & IORING_FEAT_SINGLE_MMAP)) return std::nullopt;
  constexpr int kReadWrite = PROT_READ | PROT_WRITE;
  const size_t submissions = params.sq_off.array + params.sq_entries * sizeof(uint32_t);
  const size_t completions = params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe);
  Mapping rings(ring.get(), std::max(submissions, completions), kReadWrite, MAP_SHARED,
                IORING_OFF_SQ_RING);
  Mapping entries(ring.get(), params.sq_entries * sizeof(io_uring_sqe), kReadWrite, MAP_SHARED,
                  IORING_OFF_SQES);
  return IoRing(std::move(ring), std::move(rings), std::move(entries), params);
}

IoRing::IoRing(UniqueFd ring, Mapping rings, Mapping entries, const io_uring_params& params)
    : ring_(std::move(ring)),
      rings_(std::move(rings)),
      entries_(std::move(entries)),
      submit_tail_(params.sq_off.tail),
      submit_mask_(params.sq_off.ring_mask),
      submit_array_(params.sq_off.array),
      complete_head_(params.cq_off.head),
      complete_mask_(params.cq_off.ring_mask),
      completions_(params.cq_off.cqes) {}

uint32_t* IoRing::Word(uint32_t offset) const {
  return reinterpret_cast<uint32_t*>(rings_.data() + offset);
}

int IoRing::RegisterBuffer(std::span<std::byte> buffer) {
  const iovec part{buffer.data(), buffer.size()};
  buffer_ = buffer;
  return ErrorOf(::syscall(SYS_io_uring_register, ring_.get(), IORING_REGISTER_BUFFERS, &part, 1));
}

int IoRing::UnregisterBuffer() {
  buffer_ = {};
  return ErrorOf(
      ::syscall(SYS_io_uring_register, ring_.get(), IORING_UNREGISTER_BUFFERS, nullptr, 0));
}

int IoRing::ReadFixed(int fd, uint64_t offset) { return ReadFixed(fd, offset, buffer_.size()); }

int IoRing::ReadFixed(int fd, uint64_t offset, size_t length) {
  return Transfer(IORING_OP_READ_FIXED, fd, offset, length);
}

int IoRing::WriteFixed(int fd, uint64_t offset, size_t length) {
  return Transfer(IORING_OP_WRITE_FIXED, fd, offset, length);
}

int IoRing::Transfer(uint8_t opcode, int fd, uint64_t offset, size_t length) {
  io_uring_sqe entry{};
  entry.opcode = opcode;
  entry.fd = fd;
  entry.off = offset;
  entry.addr = reinterpret_cast<uint64_t>(buffer_.data());
  entry.len = static_cast<uint32_t>(length);
  return Submit(entry);
}

int IoRing::Splice(int file, uint64_t offset, int pipe, size_t length) {
  io_uring_sqe entry{};
  entry.opcode = IORING_OP_SPLICE;
  entry.fd = pipe;
  entry.off = ~uint64_t{0};  // a pipe has no place
  entry.splice_fd_in = file;
  entry.splice_off_in = offset;
  entry.len = static_cast<uint32_t>(length);
  return Submit(entry);
}

int IoRing::Submit(const io_uring_sqe& entry) {
  *reinterpret_cast<io_uring_sqe*>(entries_.data()) = entry;
  const std::atomic_ref tail(*Word(submit_tail_));
  const uint32_t place = tail.load();
  Word(submit_array_)[place & *Word(submit_mask_)] = 0;
  tail.store(place + 1, std::memory_order_release);
  if (::syscall(SYS_io_uring_enter, ring_.get(), 1, 1, IORING_ENTER_GETEVENTS, nullptr, 0) < 0) {
    return -errno;
  }
  const std::atomic_ref head(*Word(complete_head_));
  const uint32_t done = head.load(std::memory_order_acquire);
  const auto* completions = reinterpret_cast<const io_uring_cqe*>(rings_.data() + completions_);
  const int result = completions[done & *Word(complete_mask_)].res;
  head.store(done + 1, std::memory_order_release);
  return result;
}

}  // namespace grabfs::mount_test
