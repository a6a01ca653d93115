// SPDX-License-Identifier: Apache-2.0
#include "cli/view/live_buffers.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/xattr.h>

#include <array>
#include <utility>

#include "cli/base/text.h"

namespace grabfs::view {
namespace {

constexpr const char* kSequence = "user.grabfs.sequence";

using Text = std::array<char, 32>;

std::optional<uint64_t> Parse(const Text& text, ssize_t length) {
  if (length < 0) return std::nullopt;
  return cli::ParseCount({text.data(), static_cast<size_t>(length)});
}

// The frame of this number, if the buffer has it and goes on having it.
std::optional<HeldFrame> HoldIn(const std::filesystem::path& file, uint64_t sequence) {
  UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  // A buffer that is being filled is not waited for: it has another frame then.
  if (!fd.valid() || ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0) return std::nullopt;
  if (SequenceOf(fd.get()) != sequence) return std::nullopt;
  auto frame = cli::Frame::Open(file);
  if (!frame) return std::nullopt;
  return HeldFrame{std::move(*frame), file, std::move(fd)};
}

}  // namespace

std::optional<uint64_t> SequenceOf(int fd) {
  Text text;
  return Parse(text, ::fgetxattr(fd, kSequence, text.data(), text.size()));
}

std::optional<uint64_t> SequenceOf(const std::filesystem::path& file) {
  Text text;
  return Parse(text, ::getxattr(file.c_str(), kSequence, text.data(), text.size()));
}

std::optional<HeldFrame> LiveBuffers::HoldNewest() {
  const auto newest = SequenceOf(device_.LatestPath());
  if (!newest) return std::nullopt;
  if (auto held = Hold(*newest)) return held;
  // The device may have other buffers by now.
  List();
  return Hold(*newest);
}

std::optional<HeldFrame> LiveBuffers::Hold(uint64_t sequence) const {
  for (const auto& file : files_) {
    if (SequenceOf(file) == sequence) return HoldIn(file, sequence);
  }
  return std::nullopt;
}

void LiveBuffers::List() {
  files_.clear();
  std::error_code ignored;
  for (const auto& file :
       std::filesystem::directory_iterator(device_.directory() / "buffers", ignored)) {
    files_.push_back(file.path());
  }
}

}  // namespace grabfs::view
