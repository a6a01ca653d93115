// SPDX-License-Identifier: Apache-2.0
//
// One captured frame, held by its open descriptor: as long as this object exists the pixels do not
// change, and the buffer is not used for another frame.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "fusefs/base/pixel_format.h"
#include "fusefs/base/unique_fd.h"
#include "fusefs/picture/image.h"

namespace grabfs::cli {

// What the extended attributes of a frame say.
struct FrameInfo {
  uint64_t sequence = 0;
  uint64_t timestamp_ns = 0;  // CLOCK_MONOTONIC
  FrameFormat format;
  uint64_t bytes_used = 0;
  uint64_t flags = 0;    // V4L2_BUF_FLAG_*
  uint64_t dropped = 0;  // frames lost directly before it
};

class Frame {
 public:
  // Both: nullopt: the frame does not exist, or not any more. Throw Error for other failures.
  static std::optional<Frame> Open(const std::filesystem::path& file);
  // Only opens it: for who wants to hold many, and look at them later.
  static std::optional<UniqueFd> Hold(const std::filesystem::path& file);

  // Of a frame that is held. Throws Error.
  Frame(std::string path, UniqueFd fd);

  [[nodiscard]] const FrameInfo& info() const { return info_; }
  // For sendfile() and the like. Owned by this object.
  [[nodiscard]] int fd() const { return fd_.get(); }
  // All pixels. Uses read(), not mmap(): if the daemon dies this gives an error and no SIGBUS.
  [[nodiscard]] Bytes Read() const;

 private:
  [[nodiscard]] std::string Attribute(const char* name) const;
  [[nodiscard]] uint64_t Number(const char* name) const;

  std::string path_;
  UniqueFd fd_;
  FrameInfo info_;
};

}  // namespace grabfs::cli
