// SPDX-License-Identifier: Apache-2.0
#include "cli/save/direct_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "fusefs/base/error.h"

namespace grabfs::cli {
namespace {

constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
constexpr mode_t kMode = 0666;  // the umask takes its share

}  // namespace

DirectFile::DirectFile(std::string path)
    : path_(std::move(path)),
      fd_(::open(path_.c_str(), kFlags | O_DIRECT, kMode)),
      staging_(static_cast<uint8_t*>(std::aligned_alloc(kBlock, kStaging)), &std::free) {
  if (!staging_) throw std::bad_alloc();
  if (fd_.valid()) return;
  if (errno != EINVAL) ThrowErrno(path_);
  direct_ = false;
  fd_ = UniqueFd(CheckSyscall(::open(path_.c_str(), kFlags, kMode), path_));
}

void DirectFile::Append(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const size_t part = std::min(bytes.size(), kStaging - staged_);
    std::memcpy(staging_.get() + staged_, bytes.data(), part);
    staged_ += part;
    bytes = bytes.subspan(part);
    if (staged_ == kStaging) Write(staging_.get(), std::exchange(staged_, 0));
  }
}

void DirectFile::AppendPages(std::span<const uint8_t> pages) {
  if (pages.size() % kBlock != 0 || size() % kBlock != 0) return Append(pages);
  Write(staging_.get(), std::exchange(staged_, 0));
  Write(pages.data(), pages.size());
}

void DirectFile::Finish() {
  if (direct_ && staged_ % kBlock != 0) {
    const int flags = CheckSyscall(::fcntl(fd_.get(), F_GETFL), path_);
    CheckSyscall(::fcntl(fd_.get(), F_SETFL, flags & ~O_DIRECT), path_);
  }
  Write(staging_.get(), std::exchange(staged_, 0));
}

void DirectFile::CutTo(uint64_t bytes) {
  staged_ = 0;
  CheckSyscall(::ftruncate(fd_.get(), static_cast<off_t>(bytes)), path_);
  written_ = bytes;
}

void DirectFile::Write(const uint8_t* bytes, size_t count) {
  while (count > 0) {
    const ssize_t written = ::write(fd_.get(), bytes, count);
    if (written < 0 && errno == EINTR) continue;
    CheckSyscall(written, path_);
    bytes += written;
    count -= static_cast<size_t>(written);
    written_ += static_cast<uint64_t>(written);
  }
}

}  // namespace grabfs::cli
