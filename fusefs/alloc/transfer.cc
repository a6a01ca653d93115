// SPDX-License-Identifier: Apache-2.0
#include "fusefs/alloc/transfer.h"

#include <unistd.h>

#include <cerrno>

#include "fusefs/base/error.h"

namespace grabfs::alloc {

size_t ReadAt(int fd, uint64_t offset, std::span<std::byte> data) {
  size_t done = 0;
  while (done < data.size()) {
    const ssize_t count =
        ::pread(fd, data.data() + done, data.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    CheckSyscall(count, "alloc: read");
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

void WriteAt(int fd, uint64_t offset, std::span<const std::byte> data) {
  while (!data.empty()) {
    const ssize_t count = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    CheckSyscall(count, "alloc: write");
    data = data.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
}

}  // namespace grabfs::alloc
