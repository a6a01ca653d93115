// SPDX-License-Identifier: Apache-2.0
//
// An owned shared mapping of a file, readable and writable, at an address that is a multiple of 2
// MiB: where the file has huge pages, the kernel can then use 2 MiB page table entries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace grabfs {

class Mapping {
 public:
  static constexpr size_t kAlignment = size_t{2} << 20;

  // Maps the first `bytes` of `fd`, which may be closed afterwards. Throws Error whose text begins
  // with `what`.
  Mapping(int fd, uint64_t bytes, const std::string& what);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }

 private:
  std::span<std::byte> bytes_;
};

}  // namespace grabfs
