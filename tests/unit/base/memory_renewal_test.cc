// SPDX-License-Identifier: Apache-2.0
//
// Other pages for the same memory: what is in a pipe stays what it was, to the last byte of odd
// sizes, in large pages and in small ones; and everything else is as at the beginning.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <tuple>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/huge_pages.h"
#include "fusefs/base/memory.h"

namespace grabfs {
namespace {

constexpr auto kOld = std::byte{0x11};
constexpr auto kNew = std::byte{0x22};
constexpr size_t kPipe = size_t{1} << 20;

void Fill(std::span<std::byte> bytes, std::byte value) { std::ranges::fill(bytes, value); }

// A pipe with part of a file in it.
class PipeOf {
 public:
  PipeOf(int file, uint64_t offset, size_t bytes) {
    int ends[2];
    CheckSyscall(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), "pipe");
    out_.reset(ends[0]);
    in_.reset(ends[1]);
    CheckSyscall(::fcntl(in_.get(), F_SETPIPE_SZ, kPipe), "F_SETPIPE_SZ");
    auto from = static_cast<off_t>(offset);
    while (moved_ < bytes) {
      const ssize_t count = ::splice(file, &from, in_.get(), nullptr, bytes - moved_, 0);
      if (count <= 0) break;
      moved_ += static_cast<size_t>(count);
    }
  }

  [[nodiscard]] size_t moved() const { return moved_; }
  [[nodiscard]] std::vector<std::byte> Read() const {
    std::vector<std::byte> bytes(moved_);
    size_t got = 0;
    while (got < moved_) {
      const ssize_t count = ::read(out_.get(), bytes.data() + got, moved_ - got);
      if (count <= 0) break;
      got += static_cast<size_t>(count);
    }
    bytes.resize(got);
    return bytes;
  }

 private:
  UniqueFd out_;
  UniqueFd in_;
  size_t moved_ = 0;
};

void ExpectAll(std::span<const std::byte> bytes, std::byte value) {
  const auto wrong = std::ranges::find_if(bytes, [=](std::byte b) { return b != value; });
  EXPECT_EQ(wrong, bytes.end()) << "byte " << wrong - bytes.begin() << " of " << bytes.size();
}

class MemoryRenewal : public ::testing::TestWithParam<std::tuple<uint64_t, PageSize>> {
 protected:
  MemoryRenewal()
      : memory_(AllocateMemory("test", std::get<0>(GetParam()), std::get<1>(GetParam()))) {
    Fill(memory_->bytes(), kOld);
  }

  const std::unique_ptr<Memory> memory_;
};

TEST_P(MemoryRenewal, WhatIsInAPipeStays) {
  const uint64_t bytes = memory_->bytes().size();
  const size_t part = std::min<uint64_t>(bytes, kPipe / 2);
  const PipeOf head(memory_->frame_fd(), 0, part);
  const PipeOf tail(memory_->frame_fd(), bytes - part, part);
  const PipeOf last(memory_->frame_fd(), bytes - 1, 1);
  ASSERT_EQ(head.moved(), part);
  ASSERT_EQ(tail.moved(), part);
  ASSERT_TRUE(memory_->Renew());
  Fill(memory_->bytes(), kNew);
  ExpectAll(head.Read(), kOld);
  ExpectAll(tail.Read(), kOld);
  ExpectAll(last.Read(), kOld);
}

TEST_P(MemoryRenewal, EverythingElseIsAsAtTheBeginning) {
  const auto* const address = memory_->bytes().data();
  const uint64_t huge = HugePageBytes({memory_->bytes()});
  struct stat before {};
  ASSERT_EQ(::fstat(memory_->live_fd(), &before), 0);
  ASSERT_TRUE(memory_->Renew());
  EXPECT_EQ(memory_->renewals(), 1U);
  struct stat after {};
  ASSERT_EQ(::fstat(memory_->live_fd(), &after), 0);
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_EQ(after.st_size, before.st_size);
  EXPECT_EQ(after.st_blocks, before.st_blocks) << "not populated";
  EXPECT_EQ(memory_->bytes().data(), address);
  ExpectAll(memory_->bytes(), std::byte{0});
  EXPECT_EQ(memory_->Probe(), Memory::Usage::kIdle);
  EXPECT_EQ(::ftruncate(memory_->live_fd(), 1), -1) << "not sealed";
  // As many as the kernel has in one piece; none at all means that it was not asked.
  EXPECT_EQ(HugePageBytes({memory_->bytes()}) > 0, huge > 0);
}

TEST_P(MemoryRenewal, WhoHasItMappedSeesWhatIsWrittenNext) {
  const uint64_t bytes = memory_->bytes().size();
  void* const mapping = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, memory_->live_fd(), 0);
  ASSERT_NE(mapping, MAP_FAILED);
  const std::span seen(static_cast<const std::byte*>(mapping), bytes);
  ExpectAll(seen, kOld);
  ASSERT_TRUE(memory_->Renew());
  Fill(memory_->bytes(), kNew);
  ExpectAll(seen, kNew);
  ::munmap(mapping, bytes);
}

// 640x480 GREY and a bit; 1000x1000 GREY; a page; whole large pages; 1080p BGR4.
INSTANTIATE_TEST_SUITE_P(Sizes, MemoryRenewal,
                         ::testing::Combine(::testing::Values(307'300, 1'000'000, 4096, 4 << 20,
                                                              8'294'400),
                                            ::testing::Values(PageSize::kLarge, PageSize::kSmall)),
                         [](const auto& tested) {
                           return std::to_string(std::get<0>(tested.param)) +
                                  (std::get<1>(tested.param) == PageSize::kLarge ? "Large"
                                                                                 : "Small");
                         });

}  // namespace
}  // namespace grabfs
