// SPDX-License-Identifier: Apache-2.0
#include "cli/mount/frame_stream.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "fusefs/base/error.h"

namespace grabfs::cli {
namespace {

// The size of the kernel's FUSE requests.
constexpr size_t kPiece = size_t{1} << 20;

UniqueFd OpenStream(const Device& device, const std::string& file) {
  try {
    return Open(device.File(file), O_RDONLY | O_NONBLOCK);
  } catch (const Error& error) {
    if (error.code() != EOPNOTSUPP) throw;
    throw Error(EOPNOTSUPP, device.name() + ": " + device.Status().last_error);
  }
}

}  // namespace

FrameStream::FrameStream(const Device& device, const std::string& file)
    : path_((device.directory() / file).string()),
      fd_(OpenStream(device, file)),
      readiness_(fd_.get()),
      buffer_(kPiece) {}

FrameStream::Piece FrameStream::Read(const Deadline& deadline) {
  for (;;) {
    const ssize_t got = ::read(fd_.get(), buffer_.data(), buffer_.size());
    if (got > 0) return {Status::kBytes, std::span(buffer_).first(static_cast<size_t>(got))};
    if (got == 0) return {Status::kEnd, {}};
    if (errno == ENOBUFS || errno == EIO || errno == ENOENT || errno == EDQUOT) {
      return {Status::kMissing, {}, errno};
    }
    if (errno == EINTR) return {Status::kNothing, {}};
    if (errno != EAGAIN) ThrowErrno(path_);
    if (readiness_.Await(deadline) != Readiness::Outcome::kReady) return {Status::kNothing, {}};
  }
}

}  // namespace grabfs::cli
