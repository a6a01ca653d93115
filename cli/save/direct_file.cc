// SPDX-License-Identifier: Apache-2.0
#include "cli/save/direct_file.h"

#include <fcntl.h>
#include <sys/mman.h>
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

// Only the kernel reads this mapping. If the daemon behind the file dies, write() returns EFAULT;
// an access by this program would be a SIGBUS.
class Pages {
 public:
  Pages(int fd, uint64_t bytes)
      : bytes_(bytes), start_(::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0)) {}
  ~Pages() {
    if (valid()) ::munmap(start_, bytes_);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  [[nodiscard]] bool valid() const { return start_ != MAP_FAILED; }
  [[nodiscard]] const uint8_t* data() const { return static_cast<const uint8_t*>(start_); }

 private:
  const uint64_t bytes_;
  void* const start_;
};

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

bool DirectFile::AppendPagesOf(int fd, uint64_t bytes) {
  if (bytes == 0 || bytes % kBlock != 0 || size() % kBlock != 0) return false;
  const Pages pages(fd, bytes);
  if (!pages.valid()) return false;
  Write(staging_.get(), std::exchange(staged_, 0));
  Write(pages.data(), bytes);
  return true;
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
