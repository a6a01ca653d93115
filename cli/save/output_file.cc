// SPDX-License-Identifier: Apache-2.0
#include "cli/save/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <string_view>

#include "cli/base/file.h"
#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::cli {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kMode = 0666;  // the umask takes its share

// Opens a file without a name (O_TMPFILE): if this program is killed, nothing is left over. Invalid
// if the filesystem does not have it.
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

// Unlinks a temporary name, unless the file was renamed.
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

// What is there already, open for writing; invalid: nothing. The kernel is asked for it as by cp
// and shells, so that what it forbids in folders that everybody may write to
// (fs.protected_symlinks, fs.protected_regular) remains forbidden.
UniqueFd OpenPresent(const std::string& name) {
  struct stat status;
  if (::stat(name.c_str(), &status) != 0 && errno == ENOENT) return UniqueFd();
  return UniqueFd(CheckSyscall(::open(name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, kMode), name));
}

// The file belongs to whom the old one does, with the same rights. False: this user may not do
// that.
bool Inherit(int fd, const struct stat& old) {
  struct stat now;
  if (::fstat(fd, &now) != 0) return false;
  const bool same_owner = now.st_uid == old.st_uid && now.st_gid == old.st_gid;
  if (!same_owner && ::fchown(fd, old.st_uid, old.st_gid) != 0) return false;
  return ::fchmod(fd, old.st_mode & 07777) == 0;
}

}  // namespace

void ReplaceFile(const std::string& name, std::span<const uint8_t> contents) {
  const UniqueFd old = OpenPresent(name);
  struct stat status = {};
  if (old.valid()) CheckSyscall(::fstat(old.get(), &status), name);
  if (old.valid() && !S_ISREG(status.st_mode)) return Write(old.get(), contents, name);
  // A symbolic link stays; the file that it leads to is replaced.
  const std::string path =
      old.valid() ? fs::read_symlink("/proc/self/fd/" + std::to_string(old.get())).string() : name;
  const fs::path parent = fs::path(path).parent_path();
  TemporaryFile temporary(path);
  UniqueFd fd = CreateNameless(parent.empty() ? "." : parent);
  const bool nameless = fd.valid();
  if (!nameless && errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) ThrowErrno(path);
  if (!nameless) fd = temporary.Create();
  if (old.valid() && !Inherit(fd.get(), status)) {
    CheckSyscall(::ftruncate(old.get(), 0), path);
    return Write(old.get(), contents, path);
  }
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
