// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/support/file.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "fusefs/base/error.h"

namespace grabfs::mount_test {
namespace {

constexpr size_t kChunk = size_t{256} << 10;

std::string XattrText(ssize_t length, const char* value) {
  return length < 0 ? "" : std::string(value, static_cast<size_t>(length));
}

}  // namespace

UniqueFd Open(const std::string& path, int flags) {
  return UniqueFd(CheckSyscall(::open(path.c_str(), flags | O_CLOEXEC), "open " + path));
}

int OpenError(const std::string& path, int flags) {
  const UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, 0600));
  return fd.valid() ? 0 : errno;
}

int ErrorOf(long result) { return result < 0 ? errno : 0; }

bool Exists(const std::string& path) {
  struct stat ignored {};
  return ::lstat(path.c_str(), &ignored) == 0;
}

struct stat Stat(const std::string& path) {
  struct stat result {};
  CheckSyscall(::stat(path.c_str(), &result), "stat " + path);
  return result;
}

struct stat StatFd(int fd) {
  struct stat result {};
  CheckSyscall(::fstat(fd, &result), "fstat");
  return result;
}

std::vector<std::string> List(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::byte> ReadAll(int fd) {
  std::vector<std::byte> contents;
  size_t filled = 0;
  ssize_t got = 0;
  do {
    filled += static_cast<size_t>(got);
    contents.resize(filled + kChunk);
    got = CheckSyscall(::read(fd, contents.data() + filled, kChunk), "read");
  } while (got > 0);
  contents.resize(filled);
  return contents;
}

std::vector<std::byte> ReadFile(const std::string& path) {
  return ReadAll(Open(path, O_RDONLY).get());
}

std::string ReadText(const std::string& path) {
  const std::vector<std::byte> contents = ReadFile(path);
  return {reinterpret_cast<const char*>(contents.data()), contents.size()};
}

int WriteText(const std::string& path, std::string_view text) {
  const UniqueFd fd = Open(path, O_WRONLY);
  const ssize_t written = ::write(fd.get(), text.data(), text.size());
  if (written < 0) return errno;
  return static_cast<size_t>(written) == text.size() ? 0 : EIO;
}

void CreateFile(const std::string& path, std::span<const std::byte> contents) {
  const UniqueFd fd(::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644));
  CheckSyscall(fd.get(), "create " + path);
  while (!contents.empty()) {
    const ssize_t written = ::write(fd.get(), contents.data(), contents.size());
    CheckSyscall(written, "write " + path);
    contents = contents.subspan(static_cast<size_t>(written));
  }
}

std::string Xattr(const std::string& path, const std::string& name) {
  std::array<char, 256> value{};
  const std::string full = "user.grabfs." + name;
  return XattrText(::getxattr(path.c_str(), full.c_str(), value.data(), value.size()),
                   value.data());
}

std::string XattrFd(int fd, const std::string& name) {
  std::array<char, 256> value{};
  const std::string full = "user.grabfs." + name;
  return XattrText(::fgetxattr(fd, full.c_str(), value.data(), value.size()), value.data());
}

void SendFd(int socket, int fd) {
  char byte = 'x';
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  CheckSyscall(::sendmsg(socket, &message, 0), "sendmsg");
}

Mapping::Mapping(int fd, size_t length, int protection, int flags, off_t offset) : length_(length) {
  void* address = ::mmap(nullptr, length, protection, flags, fd, offset);
  if (address == MAP_FAILED) ThrowErrno("mmap");
  data_ = static_cast<std::byte*>(address);
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), length_(other.length_) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this == &other) return *this;
  Unmap();
  data_ = std::exchange(other.data_, nullptr);
  length_ = other.length_;
  return *this;
}

void Mapping::Unmap() {
  if (data_) ::munmap(std::exchange(data_, nullptr), length_);
}

Mapping MapAndClose(const std::string& path, int protection, int flags) {
  const bool writes = (protection & PROT_WRITE) && (flags & MAP_SHARED);
  const UniqueFd fd = Open(path, writes ? O_RDWR : O_RDONLY);
  return {fd.get(), static_cast<size_t>(StatFd(fd.get()).st_size), protection, flags};
}

}  // namespace grabfs::mount_test
