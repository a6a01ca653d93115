// SPDX-License-Identifier: Apache-2.0
#include "cli/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <string_view>

#include "cli/file.h"
#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::cli {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kMode = 0666;  // the umask takes its share

// A file without a name until it is complete: should this program be killed, nothing is left over.
// Invalid where the file system knows no such files.
UniqueFd CreateNameless(const fs::path& directory) {
  return UniqueFd(::open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode));
}

// A name that no other process or thread uses.
std::string TemporaryName(const std::string& path) {
  static std::atomic<uint64_t> counter = 0;
  const fs::path target(path);
  const std::string file = "." + target.filename().string() + "." + std::to_string(::getpid()) +
                           "-" + std::to_string(counter++);
  return (target.parent_path() / file).string();
}

// As linkat(2): gives a nameless file its name.
int Link(int fd, const std::string& name) {
  const std::string file = "/proc/self/fd/" + std::to_string(fd);
  return ::linkat(AT_FDCWD, file.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW);
}

// Takes a name away again, unless it has been moved to its place.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& path) : path_(path), name_(TemporaryName(path)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!moved_) ::unlink(name_.c_str());
  }

  UniqueFd Create() {
    return UniqueFd(
        CheckSyscall(::open(name_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, kMode), name_));
  }
  void Name(int fd) { CheckSyscall(Link(fd, name_), name_); }
  void MoveIntoPlace() {
    CheckSyscall(::rename(name_.c_str(), path_.c_str()), path_);
    moved_ = true;
  }

 private:
  std::string path_;
  std::string name_;
  bool moved_ = false;
};

void Write(int fd, std::span<const uint8_t> contents, const std::string& path) {
  WriteAll(fd, {reinterpret_cast<const char*>(contents.data()), contents.size()}, path);
}

bool IsSpecial(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

// A symbolic link stays; the file it points to is replaced.
std::string Resolved(const std::string& path) {
  std::error_code ignored;
  const fs::path real = fs::canonical(path, ignored);
  return real.empty() ? path : real.string();
}

}  // namespace

void ReplaceFile(const std::string& name, std::span<const uint8_t> contents) {
  if (IsSpecial(name)) {
    const UniqueFd fd(CheckSyscall(::open(name.c_str(), O_WRONLY | O_CLOEXEC), name));
    return Write(fd.get(), contents, name);
  }
  const std::string path = Resolved(name);
  const fs::path parent = fs::path(path).parent_path();
  TemporaryFile temporary(path);
  UniqueFd fd = CreateNameless(parent.empty() ? "." : parent);
  const bool nameless = fd.valid();
  if (!nameless && errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) ThrowErrno(path);
  if (!nameless) fd = temporary.Create();
  Write(fd.get(), contents, path);
  if (nameless) {
    // A file that is there already can only be replaced by one with a name.
    if (Link(fd.get(), path) == 0) return;
    if (errno != EEXIST) ThrowErrno(path);
    temporary.Name(fd.get());
  }
  temporary.MoveIntoPlace();
}

}  // namespace grabfs::cli
