// SPDX-License-Identifier: Apache-2.0
//
// Inode numbers of the mount. They are computed from what a file is, never stored or reused, so the
// daemon keeps no table of what the kernel has looked up, and recognizes a stale number at once.
//
//     bit 62          47      41                                   0
//         [ device:15 ][ kind:6 ][ index:42                        ]
//
// device: its number within this mount; 0 is the mount itself, with its status.json and alloc/.
// index: see kinds/kinds.inc; 0 if that says nothing. For a frame its sequence number; for a buffer
// generation:26 and slot:16; for a picture form:4 and sequence number:38. At 1000 frames a second a
// picture's number repeats after eight years, a frame's after a hundred and thirty.
#pragma once

#include <cstdint>

namespace grabfs {

enum class NodeKind : uint32_t {
#define GRABFS_KIND(name) k##name,
#include "fusefs/vfs/kinds/kinds.inc"
#undef GRABFS_KIND
  kEnd  // how many there are
};

struct Inode {
  uint32_t device = 0;
  NodeKind kind = NodeKind::kRoot;
  uint64_t index = 0;

  static constexpr int kDeviceBits = 15;
  static constexpr int kKindBits = 6;
  static constexpr int kIndexBits = 42;
  static constexpr int kSlotBits = 16;
  static constexpr int kSequenceBits = 38;  // of a picture

  static constexpr uint64_t Low(uint64_t number, int bits) {
    return number & ((uint64_t{1} << bits) - 1);
  }
  static constexpr uint32_t kMaxDevice = (uint32_t{1} << kDeviceBits) - 1;

  static constexpr Inode Decode(uint64_t number) {
    return {static_cast<uint32_t>(number >> (kIndexBits + kKindBits)),
            static_cast<NodeKind>(Low(number >> kIndexBits, kKindBits)), Low(number, kIndexBits)};
  }
  static constexpr Inode Buffer(uint32_t device, uint32_t generation, uint32_t slot) {
    return {device, NodeKind::kBuffer, static_cast<uint64_t>(generation) << kSlotBits | slot};
  }
  static constexpr Inode Picture(uint32_t device, uint64_t form, uint64_t sequence) {
    return {device, NodeKind::kPicture, form << kSequenceBits | Low(sequence, kSequenceBits)};
  }

  [[nodiscard]] constexpr uint64_t number() const {
    return static_cast<uint64_t>(device) << (kIndexBits + kKindBits) |
           static_cast<uint64_t>(kind) << kIndexBits | Low(index, kIndexBits);
  }
  // For a kBuffer.
  [[nodiscard]] constexpr uint32_t slot() const {
    return static_cast<uint32_t>(Low(index, kSlotBits));
  }
  [[nodiscard]] constexpr uint32_t generation() const {
    return static_cast<uint32_t>(index >> kSlotBits);
  }
  // For a kPicture.
  [[nodiscard]] constexpr uint64_t sequence() const { return Low(index, kSequenceBits); }
  [[nodiscard]] constexpr uint64_t form() const { return index >> kSequenceBits; }
};

static_assert(static_cast<uint64_t>(NodeKind::kEnd) <= uint64_t{1} << Inode::kKindBits);
// They fit into signed 64-bit numbers, too.
static_assert(Inode::kDeviceBits + Inode::kKindBits + Inode::kIndexBits <= 63);

inline constexpr uint32_t kMountItself = 0;  // in place of a device
inline constexpr uint64_t kRootInode = Inode{kMountItself, NodeKind::kRoot, 1}.number();
static_assert(kRootInode == 1, "FUSE_ROOT_ID");
inline constexpr uint64_t kRootStatusInode = Inode{kMountItself, NodeKind::kStatus}.number();

}  // namespace grabfs
