// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/open_file.h"

#include <cerrno>

namespace grabfs {

void OpenFile::Write(uint64_t /*offset*/, std::span<const std::byte> /*data*/, bool /*writeback*/,
                     WriteReply /*reply*/) {
  throw Error(EBADF, "write: not open for writing");
}

bool OpenFile::Readable(std::function<void()> /*wake*/) { return true; }

}  // namespace grabfs
