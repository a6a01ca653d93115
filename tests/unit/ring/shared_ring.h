// SPDX-License-Identifier: Apache-2.0
//
// A ring whose file is ordinary memory, and readers of it: the real code of both sides without
// files.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cli/lib/ring_reader.h"
#include "fusefs/ring/ring.h"

namespace grabfs {

constexpr uint64_t kRingInode = 77;

inline std::shared_ptr<void> ZeroedLines(size_t bytes) {
  constexpr size_t kLine = 64;
  const size_t rounded = (bytes + kLine - 1) / kLine * kLine;
  void* const memory = std::aligned_alloc(kLine, rounded);
  std::memset(memory, 0, rounded);
  return {memory, [](void* all) { std::free(all); }};
}

// A ring's file of so many slots.
struct SharedFile {
  explicit SharedFile(uint32_t slots,
                      RingFile::Numbers numbers = std::make_shared<std::atomic<uint64_t>>(0))
      : bytes(RingFile::Bytes(slots)), memory(ZeroedLines(bytes)) {
    RingFile::Shape shape{.ring = kRingInode, .width = 4, .height = 2, .frame_bytes = 8};
    for (uint32_t slot = 0; slot < slots; ++slot) shape.inodes.push_back(1000 + slot);
    file = std::make_shared<RingFile>(memory, shape, std::move(numbers));
  }

  [[nodiscard]] const grabfs_ring_header& header() const {
    return *static_cast<const grabfs_ring_header*>(memory.get());
  }

  size_t bytes;
  std::shared_ptr<void> memory;
  std::shared_ptr<RingFile> file;
};

// A reader and its page, which goes when this does.
class SharedReader {
 public:
  SharedReader(const SharedFile& shared, uint32_t words)
      : memory_(ZeroedLines(sizeof(grabfs_hold_page))),
        page_(static_cast<grabfs_hold_page*>(memory_.get())),
        reader_(shared.file->AddReader(memory_, words)) {
    EXPECT_EQ(grabfs_ring_attach(&ring, shared.memory.get(), shared.bytes, page_, sizeof(*page_)),
              0);
  }

  // The sequence number of what is held then; nullopt: nothing.
  std::optional<uint64_t> HoldNewest(uint32_t word = 0) {
    return grabfs_ring_hold_newest(&ring, word, &frame) == 0 ? std::optional(frame.sequence)
                                                             : std::nullopt;
  }
  std::optional<uint64_t> HoldNext(uint64_t from, uint32_t word = 0) {
    return grabfs_ring_hold_next(&ring, word, from, &frame) == 0 ? std::optional(frame.sequence)
                                                                 : std::nullopt;
  }
  void Release(uint32_t word = 0) { grabfs_ring_release(&ring, word); }
  void Die() { reader_.reset(); }
  [[nodiscard]] grabfs_hold_page& page() { return *page_; }

  grabfs_ring_reader ring{};
  grabfs_ring_frame frame{};

 private:
  const std::shared_ptr<void> memory_;
  grabfs_hold_page* const page_;
  std::unique_ptr<RingFile::Reader> reader_;
};

}  // namespace grabfs
