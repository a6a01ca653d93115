// SPDX-License-Identifier: Apache-2.0
//
// File operations for tests: functions that return the errno, for tests of errors; functions that
// throw grabfs::Error, for all else; mappings that unmap themselves.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fusefs/base/unique_fd.h"

namespace grabfs::mount_test {

// Opens or throws.
UniqueFd Open(const std::string& path, int flags);
// The errno of open(2); 0: it worked.
int OpenError(const std::string& path, int flags);
// errno if `result` is negative, else 0.
int ErrorOf(long result);

bool Exists(const std::string& path);
struct stat Stat(const std::string& path);
struct stat StatFd(int fd);
// Sorted, without "." and "..".
std::vector<std::string> List(const std::string& directory);

std::vector<std::byte> ReadAll(int fd);
std::vector<std::byte> ReadFile(const std::string& path);
std::string ReadText(const std::string& path);
// One write() of the whole text as a command: errno, 0 when it was accepted.
int WriteText(const std::string& path, std::string_view text);
// An ordinary file with these contents. Throws.
void CreateFile(const std::string& path, std::span<const std::byte> contents);

// Empty when the file has no such attribute; `name` without the "user.grabfs." prefix.
std::string Xattr(const std::string& path, const std::string& name);
std::string XattrFd(int fd, const std::string& name);

// Sends a descriptor through a socket (SCM_RIGHTS). Throws.
void SendFd(int socket, int fd);

class Mapping {
 public:
  // `length` bytes of the file from `offset` on. Throws Error.
  Mapping(int fd, size_t length, int protection = PROT_READ, int flags = MAP_SHARED,
          off_t offset = 0);
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { Unmap(); }

  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] size_t size() const { return length_; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, length_}; }
  [[nodiscard]] std::span<std::byte> writable() const { return {data_, length_}; }
  void Unmap();

 private:
  std::byte* data_ = nullptr;
  size_t length_ = 0;
};

// Opens and maps the whole file, and closes the descriptor: only the mapping is left.
Mapping MapAndClose(const std::string& path, int protection = PROT_READ, int flags = MAP_SHARED);

}  // namespace grabfs::mount_test
