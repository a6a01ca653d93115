// SPDX-License-Identifier: Apache-2.0
//
// A file that only grows, written with O_DIRECT where its filesystem has it: a recording at full
// rate would push everything else out of the page cache. Mapped pages are written without a copy;
// other bytes are collected into whole blocks first.
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
  // Replaces an existing file. Throws Error.
  explicit DirectFile(std::string path);
  DirectFile(const DirectFile&) = delete;
  DirectFile& operator=(const DirectFile&) = delete;

  // All throw Error.
  void Append(std::span<const uint8_t> bytes);
  // The same of memory that begins with a page: without a copy, if both ends are those of blocks.
  void AppendPages(std::span<const uint8_t> pages);
  // Writes the last, incomplete block. To be called at the end.
  void Finish();
  // Forgets what is behind the first `bytes`, which are in the file; to be called at the end, also
  // after a failure.
  void CutTo(uint64_t bytes);

  [[nodiscard]] bool direct() const { return direct_; }
  [[nodiscard]] uint64_t size() const { return written_ + staged_; }
  // How much of it is in the file.
  [[nodiscard]] uint64_t written() const { return written_; }

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
