// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/open_file.h"

#include <algorithm>
#include <cerrno>

namespace grabfs {

std::span<const std::byte> Window(std::span<const std::byte> bytes, uint64_t offset, size_t size) {
  if (offset >= bytes.size()) return {};
  return bytes.subspan(offset, std::min<uint64_t>(size, bytes.size() - offset));
}

void OpenFile::Write(uint64_t /*offset*/, std::span<const std::byte> /*data*/, bool /*writeback*/,
                     WriteReply /*reply*/) {
  throw Error(EBADF, "write: not open for writing");
}

bool OpenFile::Readable(std::function<void()> /*wake*/) { return true; }

}  // namespace grabfs
