// SPDX-License-Identifier: Apache-2.0
//
// A file of frames, YUV4MPEG2 or raw: checked as a whole when it is opened, then read frame by
// frame. It knows nothing of time, loops or buffers.
//
// The file is read with pread(), not mapped: a file that somebody truncates meanwhile is an error
// of one frame and not a SIGBUS.
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
  // What the file says about its rate.
  [[nodiscard]] std::optional<Rate> rate() const { return rate_; }
  // At least one.
  [[nodiscard]] uint64_t frames() const { return frames_; }

  // Raw files may be looked at in another format if it divides them evenly. Throws Error(EINVAL)
  // and changes nothing.
  void SetFormat(const FormatRequest& request);

  // Copies frame `index` < frames() into `frame`, format().bytes long. Throws Error when the file
  // is shorter than it was, or cannot be read.
  void Read(uint64_t index, std::span<std::byte> frame) const;

 private:
  [[nodiscard]] bool is_y4m() const { return !offsets_.empty(); }
  [[noreturn]] void Refuse(int code, const std::string& why) const;
  [[noreturn]] void RefuseTruncated(uint64_t frame, uint64_t offset, uint64_t present,
                                    uint64_t bytes) const;
  // What `action` returns; an Error that it throws gets the name of the file.
  template <typename Action>
  auto Named(Action action) const;
  void Open();
  void IndexY4m(const std::string& start);
  void SetRawFormat(const FormatRequest& request);
  // As much as there is from `offset` on, `bytes` at most.
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
