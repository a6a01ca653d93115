// SPDX-License-Identifier: Apache-2.0
//
// One actor's view of one side: of the files of grabfs, or of their twins on tmpfs. It owns the
// actor's descriptors, mappings, pipes and io_uring there. Not for use by several threads.
#pragma once

#include <sys/types.h>

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "fusefs/base/unique_fd.h"
#include "tests/mount/differential/mapped_range.h"
#include "tests/mount/differential/operation.h"
#include "tests/mount/support/aligned_buffer.h"
#include "tests/mount/support/io_ring.h"

namespace grabfs::differential {

using Paths = std::array<std::string, kFiles>;

struct OpenFile {
  UniqueFd fd;
  int file = -1;
};

struct Pipe {
  Pipe();
  UniqueFd out;  // read from here
  UniqueFd in;
};

class Side {
 public:
  // `paths` must outlive the side.
  Side(const Paths& paths, uint64_t file_bytes);

  [[nodiscard]] const std::string& Path(int64_t file) const;
  [[nodiscard]] uint64_t file_bytes() const { return file_bytes_; }
  [[nodiscard]] OpenFile& Open(int64_t place);
  [[nodiscard]] int Descriptor(int64_t place) { return Open(place).fd.get(); }
  [[nodiscard]] MappedRange& Mapping(int64_t place);
  // A descriptor of the file that is locked through and never mapped; opened when first asked for.
  // -1 when that fails.
  int LockDescriptor(int64_t file);
  void CloseLockDescriptor(int64_t file);
  // A descriptor of the file, with O_DIRECT where there is such a thing, that stays open, since
  // closing one ends record locks.
  // -1 when it cannot be opened.
  int DirectDescriptor(int64_t file);
  [[nodiscard]] Pipe& pipe(unsigned which) { return pipes_.at(which); }
  // With output() registered; nullptr where there is no io_uring. A forked child gets its own.
  mount_test::IoRing* Ring();

  // Memory for `length` bytes, of as many as there is room for: noise to write, and a place to read
  // to. Page-aligned.
  std::span<std::byte> Input(int64_t length, int64_t seed);
  [[nodiscard]] std::span<std::byte> Output(int64_t length) const;

 private:
  const Paths& paths_;
  const uint64_t file_bytes_;
  mount_test::AlignedBuffer input_;
  mount_test::AlignedBuffer output_;
  std::array<OpenFile, kDescriptors> files_;
  std::array<UniqueFd, kFiles> lock_files_;
  std::array<UniqueFd, kFiles> direct_files_;
  std::array<std::unique_ptr<MappedRange>, kMappings> mappings_;
  std::array<Pipe, 2> pipes_;
  std::optional<mount_test::IoRing> ring_;
  pid_t ring_owner_ = 0;
};

}  // namespace grabfs::differential
