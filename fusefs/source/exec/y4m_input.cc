// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/exec/y4m_input.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

constexpr size_t kSignatureBytes = std::string_view("YUV4MPEG2").size();
constexpr size_t kDiscardAtOnce = size_t{64} << 10;

}  // namespace

Y4mInput::Event Y4mInput::Read() {
  switch (state_) {
    case State::kHeader:
      return ReadHeader();
    case State::kBetween:
      return ReadFrameHeader();
    case State::kDue:
      return Event::kDue;
    case State::kPixels:
      return ReadPixels();
    case State::kDiscard:
      return ReadDiscarded();
  }
  return Event::kNothing;
}

void Y4mInput::Into(std::span<std::byte> frame) {
  missing_ = frame;
  left_ = frame.size();
  state_ = State::kPixels;
}

void Y4mInput::Discard() {
  left_ = header_.format.bytes;
  state_ = State::kDiscard;
}

size_t Y4mInput::ReadSome(std::span<std::byte> out) {
  ssize_t count = 0;
  do {
    count = ::read(fd_, out.data(), out.size());
  } while (count < 0 && errno == EINTR);
  if (count > 0) {
    bytes_ += static_cast<uint64_t>(count);
    return static_cast<size_t>(count);
  }
  if (count < 0 && errno != EAGAIN) ThrowErrno("read");
  event_ = count == 0 ? Event::kEnd : Event::kNothing;
  return 0;
}

bool Y4mInput::ReadLine(size_t bytes) {
  std::array<std::byte, kSignatureBytes> text;
  const size_t count = ReadSome(std::span(text).first(bytes));
  line_.append(reinterpret_cast<const char*>(text.data()), count);
  return count > 0;
}

// Nothing behind the newline may be read: pixels go straight into the caller's memory.
Y4mInput::Event Y4mInput::ReadHeader() {
  while (line_.empty() || line_.back() != '\n') {
    const bool begins = line_.size() < kSignatureBytes;
    if (!ReadLine(begins ? kSignatureBytes - line_.size() : 1)) return event_;
    if (line_.size() == kSignatureBytes && !IsY4m(line_)) {
      throw Error(EINVAL, "does not write YUV4MPEG2 (ffmpeg does with -f yuv4mpegpipe -strict -1)");
    }
    if (line_.size() >= kY4mMaxLine) break;
  }
  header_ = ParseY4mHeader(line_);
  line_.clear();
  state_ = State::kBetween;
  return Event::kHeader;
}

Y4mInput::Event Y4mInput::ReadFrameHeader() {
  while (line_.empty() || line_.back() != '\n') {
    const bool begins = line_.size() < kY4mFrameHeader.size();
    if (!ReadLine(begins ? kY4mFrameHeader.size() - line_.size() : 1)) return event_;
    if (!line_.starts_with(kY4mFrameHeader.substr(0, std::min(line_.size(), size_t{5})))) break;
    if (line_.size() >= kY4mMaxLine) break;
  }
  (void)ParseY4mFrameHeader(line_, bytes_ - line_.size());
  line_.clear();
  state_ = State::kDue;
  return Event::kDue;
}

Y4mInput::Event Y4mInput::ReadPixels() {
  while (!missing_.empty()) {
    const size_t count = ReadSome(missing_);
    if (count == 0) return event_;
    missing_ = missing_.subspan(count);
    left_ -= count;
  }
  state_ = State::kBetween;
  return Event::kFrame;
}

Y4mInput::Event Y4mInput::ReadDiscarded() {
  std::array<std::byte, kDiscardAtOnce> pixels;
  while (left_ > 0) {
    const size_t count =
        ReadSome(std::span(pixels).first(std::min<uint64_t>(left_, pixels.size())));
    if (count == 0) return event_;
    left_ -= count;
  }
  state_ = State::kBetween;
  return ReadFrameHeader();
}

}  // namespace grabfs
