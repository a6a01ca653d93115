// SPDX-License-Identifier: Apache-2.0
//
// A file of frames, YUV4MPEG2 or raw: checked as a whole when it is opened, then read frame by
// frame. It knows nothing of time, loops or buffers.
//
// The file is read with pread(), not mapped: if it is truncated meanwhile, one frame fails and
// there is no SIGBUS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fusefs/base/pixel_format.h"
#include "fusefs/base/rate.h"
#include "fusefs/base/unique_fd.h"
#include "fusefs/source/source.h"

namespace grabfs {

class Clip {
 public:
  // Opens and checks `path`. A raw file, which is any that does not start as YUV4MPEG2 does, needs
  // a complete `request`; a Y4M file needs none and takes only its own. Reads headers, not pixels.
  // Throws Error (ENOENT and the like; EINVAL with the byte at which the file is wrong).
  Clip(std::string path, const FormatRequest& request);

  [[nodiscard]] const FrameFormat& format() const { return format_; }
  // The rate in the file; nullopt: it has none.
  [[nodiscard]] std::optional<Rate> rate() const { return rate_; }
  // At least one.
  [[nodiscard]] uint64_t frames() const { return frames_; }

  // Reads a raw file in another format, if the file is a whole number of frames of it. Throws
  // Error(EINVAL) and changes nothing.
  void SetFormat(const FormatRequest& request);

  // Copies frame `index` < frames() into `frame`, format().bytes long. Throws Error when the file
  // is shorter than it was, or cannot be read.
  void Read(uint64_t index, std::span<std::byte> frame) const;

 private:
  [[nodiscard]] bool is_y4m() const { return !offsets_.empty(); }
  [[noreturn]] void Refuse(int code, const std::string& why) const;
  [[noreturn]] void RefuseTruncated(uint64_t frame, uint64_t offset, uint64_t present,
                                    uint64_t bytes) const;
  // Calls `action` and returns its result; adds the name of the file to an Error that it throws.
  template <typename Action>
  auto Named(Action action) const;
  void Open();
  void IndexY4m(const std::string& start);
  void SetRawFormat(const FormatRequest& request);
  // Reads at most `bytes` from `offset` on; fewer at the end of the file.
  [[nodiscard]] std::string ReadText(uint64_t offset, size_t bytes) const;
  [[nodiscard]] size_t ReadBytes(uint64_t offset, std::span<std::byte> out) const;

  std::string path_;
  UniqueFd fd_;
  uint64_t size_ = 0;
  FrameFormat format_;
  std::optional<Rate> rate_;
  uint64_t frames_ = 0;
  std::vector<uint64_t> offsets_;  // of the pixels of each Y4M frame; empty for raw files
};

}  // namespace grabfs
