// SPDX-License-Identifier: Apache-2.0
//
// A file that grows at its end, past the page cache (O_DIRECT) where its file system can: what is
// recorded at full rate would push everything else out of memory. Pages of a mapping go to the disk
// as they are; other bytes are collected into whole blocks first.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>

#include "fusefs/base/unique_fd.h"

namespace grabfs::cli {

class DirectFile {
 public:
  // Replaces what is there. Throws Error.
  explicit DirectFile(std::string path);
  DirectFile(const DirectFile&) = delete;
  DirectFile& operator=(const DirectFile&) = delete;

  // All throw Error.
  void Append(std::span<const uint8_t> bytes);
  // The first `bytes` of another file, without a copy if the end of this one and `bytes` are
  // multiples of a block and that file can be mapped; false: nothing has been appended.
  bool AppendPagesOf(int fd, uint64_t bytes);
  // Writes what is left of a block; to be called at the end.
  void Finish();

  [[nodiscard]] bool direct() const { return direct_; }
  [[nodiscard]] uint64_t size() const { return written_ + staged_; }

 private:
  static constexpr size_t kBlock = 4096;
  static constexpr size_t kStaging = size_t{1} << 20;

  void Write(const uint8_t* bytes, size_t count);

  const std::string path_;
  bool direct_ = true;
  UniqueFd fd_;
  const std::unique_ptr<uint8_t, decltype(&std::free)> staging_;
  size_t staged_ = 0;
  uint64_t written_ = 0;
};

}  // namespace grabfs::cli
