// SPDX-License-Identifier: Apache-2.0
//
// Inode numbers of the mount. They are computed from what a file is, never stored or reused, so the
// daemon keeps no table of what the kernel has looked up and a stale number can be told at once.
//
//     bit 62          47      43                                   0
//         [ device:15 ][ kind:4 ][ index:44                        ]
//
// index: the sequence number of a frame; generation:28 and slot:16 of a buffer; the row of an
// attribute or a stream in its table; form:4 and sequence number:40 of a picture; the number of a
// directory or file of alloc/, whose device is 0; else 0.
#pragma once

#include <cstdint>

namespace grabfs {

enum class NodeKind : uint32_t {
  kMount,  // index 1: the root directory (FUSE_ROOT_ID); index 2: its status.json
  kDeviceDir,
  kFramesDir,
  kBuffersDir,
  kFrame,
  kBuffer,
  kEvents,
  kStatus,
  kAttribute,
  kInto,
  kAllocDir,  // index 0: alloc/ itself
  kAllocFile,
  kStream,       // index: the row in StreamForms()
  kPicturesDir,  // index: the PictureForm
  kPicture,
  kControls,  // index 0: controls/ itself; else of a file there, see control_files.h
};

struct Inode {
  uint32_t device = 0;  // number of the device within this mount
  NodeKind kind = NodeKind::kMount;
  uint64_t index = 0;

  static constexpr int kIndexBits = 44;
  static constexpr int kKindBits = 4;
  static constexpr int kSlotBits = 16;
  static constexpr int kSequenceBits = 40;  // of a picture

  static constexpr Inode Decode(uint64_t number) {
    return {static_cast<uint32_t>(number >> (kIndexBits + kKindBits)),
            static_cast<NodeKind>(number >> kIndexBits & ((1U << kKindBits) - 1)),
            number & ((uint64_t{1} << kIndexBits) - 1)};
  }
  static constexpr Inode Buffer(uint32_t device, uint32_t generation, uint32_t slot) {
    return {device, NodeKind::kBuffer, static_cast<uint64_t>(generation) << kSlotBits | slot};
  }
  static constexpr Inode Picture(uint32_t device, uint32_t form, uint64_t sequence) {
    return {device, NodeKind::kPicture,
            static_cast<uint64_t>(form) << kSequenceBits |
                (sequence & ((uint64_t{1} << kSequenceBits) - 1))};
  }

  [[nodiscard]] constexpr uint64_t number() const {
    return static_cast<uint64_t>(device) << (kIndexBits + kKindBits) |
           static_cast<uint64_t>(kind) << kIndexBits | index;
  }
  // Of a kBuffer.
  [[nodiscard]] constexpr uint32_t slot() const {
    return static_cast<uint32_t>(index & ((1U << kSlotBits) - 1));
  }
  [[nodiscard]] constexpr uint32_t generation() const {
    return static_cast<uint32_t>(index >> kSlotBits);
  }
  // Of a kPicture.
  [[nodiscard]] constexpr uint64_t sequence() const {
    return index & ((uint64_t{1} << kSequenceBits) - 1);
  }
  [[nodiscard]] constexpr uint32_t form() const {
    return static_cast<uint32_t>(index >> kSequenceBits);
  }
};

inline constexpr uint64_t kRootInode = 1;
inline constexpr uint64_t kRootStatusInode = 2;

}  // namespace grabfs
