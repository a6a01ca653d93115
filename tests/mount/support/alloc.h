// SPDX-License-Identifier: Apache-2.0
//
// Helpers for files of alloc/.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::mount_test {

// Makes a new file of this size: create and ftruncate. Throws Error.
inline UniqueFd Allocate(const std::string& path, uint64_t bytes, mode_t mode = 0600) {
  UniqueFd fd(CheckSyscall(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode),
                           "create " + path));
  CheckSyscall(::ftruncate(fd.get(), static_cast<off_t>(bytes)), "ftruncate " + path);
  return fd;
}

// The errno of Allocate(); 0: it worked. If the file could be created, but not get its size, it
// stays, empty.
inline int AllocateError(const std::string& path, uint64_t bytes, mode_t mode = 0600) {
  try {
    Allocate(path, bytes, mode);
    return 0;
  } catch (const Error& error) {
    return error.code();
  }
}

// Pseudo-random bytes.
inline std::vector<std::byte> Marked(size_t bytes, unsigned seed) {
  std::vector<std::byte> data(bytes);
  unsigned state = seed * 2654435761U + 1;
  for (std::byte& byte : data) {
    state = state * 1103515245U + 12345U;
    byte = static_cast<std::byte>(state >> 16);
  }
  return data;
}

}  // namespace grabfs::mount_test
