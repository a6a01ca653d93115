// SPDX-License-Identifier: Apache-2.0
#include "cli/mount/frame.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "cli/base/text.h"
#include "fusefs/base/error.h"

namespace grabfs::cli {

std::optional<UniqueFd> Frame::Hold(const std::filesystem::path& file) {
  UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOENT || errno == ESTALE) return std::nullopt;
    ThrowErrno(file.string());
  }
  return fd;
}

std::optional<Frame> Frame::Open(const std::filesystem::path& file) {
  std::optional<UniqueFd> fd = Hold(file);
  if (!fd) return std::nullopt;
  return Frame(file.string(), std::move(*fd));
}

Frame::Frame(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {
  struct stat status;
  CheckSyscall(::fstat(fd_.get(), &status), path_);
  info_.sequence = Number("sequence");
  info_.timestamp_ns = Number("timestamp_ns");
  info_.format.fourcc = ParseFourcc(Attribute("format")).value_or(0);
  info_.format.width = static_cast<uint32_t>(Number("width"));
  info_.format.height = static_cast<uint32_t>(Number("height"));
  info_.format.stride = static_cast<uint32_t>(Number("stride"));
  info_.format.bytes = static_cast<uint64_t>(status.st_size);
  info_.bytes_used = Number("bytes_used");
  info_.flags = Number("flags");
  info_.dropped = Number("dropped");
}

Bytes Frame::Read() const {
  Bytes pixels(info_.format.bytes);
  size_t done = 0;
  while (done < pixels.size()) {
    const ssize_t got =
        ::pread(fd_.get(), &pixels[done], pixels.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    CheckSyscall(got, path_);
    if (got == 0) throw Error(EIO, path_ + ": ends after " + Plural(done, "byte"));
    done += static_cast<size_t>(got);
  }
  return pixels;
}

std::string Frame::Attribute(const char* name) const {
  const std::string key = std::string("user.grabfs.") + name;
  std::array<char, 256> value;
  const ssize_t length = CheckSyscall(
      ::fgetxattr(fd_.get(), key.c_str(), value.data(), value.size()), path_ + ": " + key);
  return {value.data(), static_cast<size_t>(length)};
}

uint64_t Frame::Number(const char* name) const {
  const std::string text = Attribute(name);
  if (const std::optional<uint64_t> number = ParseCount(text)) return *number;
  throw Error(EPROTO, path_ + ": user.grabfs." + name + " is '" + text + "', not a number");
}

}  // namespace grabfs::cli
