// SPDX-License-Identifier: Apache-2.0
//
// Opening, checking and reading files of frames.
#include "fusefs/source/software/clip.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/picture/y4m.h"
#include "fusefs/source/options.h"

namespace grabfs {

Clip::Clip(std::string path, const FormatRequest& request) : path_(std::move(path)) {
  Open();
  const std::string start = ReadText(0, kY4mMaxLine);
  if (IsY4m(start)) {
    IndexY4m(start);
    SetFormat(request);
  } else {
    SetRawFormat(request);
  }
}

void Clip::Refuse(int code, const std::string& why) const {
  throw Error(code, "replay: " + path_ + ": " + why);
}

template <typename Action>
auto Clip::Named(Action action) const {
  try {
    return action();
  } catch (const Error& error) {
    Refuse(error.code(), error.what());
  }
}

void Clip::RefuseTruncated(uint64_t frame, uint64_t offset, uint64_t present,
                           uint64_t bytes) const {
  Refuse(EINVAL, "truncated frame " + std::to_string(frame) + " at byte " + std::to_string(offset) +
                     ": " + std::to_string(present) + " of " + std::to_string(bytes) +
                     " bytes are there");
}

void Clip::Open() {
  // O_NONBLOCK: a FIFO must be refused, not waited for.
  fd_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd_.valid()) Refuse(errno, ErrnoText(errno));
  struct stat status {};
  CheckSyscall(::fstat(fd_.get(), &status), "replay: " + path_);
  if (!S_ISREG(status.st_mode)) Refuse(EINVAL, "not a regular file");
  size_ = static_cast<uint64_t>(status.st_size);
  if (size_ == 0) Refuse(EINVAL, "the file is empty");
  (void)::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);  // advice only
}

void Clip::IndexY4m(const std::string& start) {
  const Y4mHeader header = Named([&] { return ParseY4mHeader(start); });
  format_ = header.format;
  rate_ = header.rate;
  for (uint64_t offset = header.length; offset < size_;) {
    const std::string text = ReadText(offset, kY4mMaxLine);
    const uint64_t pixels = offset + Named([&] { return ParseY4mFrameHeader(text, offset); });
    if (size_ - pixels < format_.bytes) {
      RefuseTruncated(offsets_.size(), pixels, size_ - pixels, format_.bytes);
    }
    offsets_.push_back(pixels);
    offset = pixels + format_.bytes;
  }
  if (offsets_.empty()) {
    Refuse(EINVAL, "no frame after the header, at byte " + std::to_string(size_));
  }
  frames_ = offsets_.size();
}

void Clip::SetFormat(const FormatRequest& request) {
  if (!is_y4m()) {
    SetRawFormat(request);
  } else if (ApplyRequest(format_, request) != format_) {
    Refuse(EINVAL, "the file is " + format_.name() + " " + std::to_string(format_.width) + "x" +
                       std::to_string(format_.height) + " and cannot be replayed as another");
  }
}

void Clip::SetRawFormat(const FormatRequest& request) {
  const bool known = format_.bytes > 0;
  if (!known && (!request.fourcc || !request.width || !request.height)) {
    Refuse(EINVAL, "not YUV4MPEG2; a raw file needs format=, width= and height=");
  }
  const FrameFormat format = ApplyRequest(format_, request);
  const uint64_t frames = size_ / format.bytes;
  if (const uint64_t rest = size_ % format.bytes; rest > 0) {
    RefuseTruncated(frames, frames * format.bytes, rest, format.bytes);
  }
  format_ = format;
  frames_ = frames;
}

void Clip::Read(uint64_t index, std::span<std::byte> frame) const {
  const uint64_t offset = is_y4m() ? offsets_[index] : index * format_.bytes;
  const size_t present = ReadBytes(offset, frame);
  if (present == frame.size()) return;
  Refuse(EIO, "the file has become shorter: frame " + std::to_string(index) + " ends at byte " +
                  std::to_string(offset + present));
}

std::string Clip::ReadText(uint64_t offset, size_t bytes) const {
  std::string text(bytes, '\0');
  text.resize(ReadBytes(offset, std::as_writable_bytes(std::span(text))));
  return text;
}

size_t Clip::ReadBytes(uint64_t offset, std::span<std::byte> out) const {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t count =
        ::pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) Refuse(errno, ErrnoText(errno) + " at byte " + std::to_string(offset + done));
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

}  // namespace grabfs
