// SPDX-License-Identifier: Apache-2.0
//
// Writes a file of many frames. The extension of its name says in which form:
//
//     .raw          unchanged frames one after the other; NAME.jsonl describes them, one JSON
//     object a
//                   line: first the format, then each frame with its offset
//     .y4m          YUV4MPEG2, as the mount's stream.y4m
//     .tiff, .tif   one page each; BigTIFF when it may pass 4 GiB
//
// All frames have the format of the first.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cli/mount/frame.h"
#include "cli/mount/status.h"

namespace grabfs::cli {

class Recording {
 public:
  virtual ~Recording() = default;
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  // Throws Error: EINVAL for a frame of another format, or the error of the write. After the latter
  // no frames can be added.
  void Add(const grabfs::Frame& frame);
  // Writes the rest of the file; no frames can be added afterwards. Throws Error.
  virtual void Finish() = 0;
  // Instead, after any failure: whatever belongs to the recording ends at the same whole frame, the
  // last that there was room for. Returns how many there are. Throws Error.
  virtual uint64_t Keep() = 0;

  [[nodiscard]] virtual uint64_t bytes() const = 0;
  // Whether it is written with O_DIRECT.
  [[nodiscard]] virtual bool direct() const = 0;

 protected:
  explicit Recording(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] const std::string& path() const { return path_; }
  virtual void Write(const grabfs::Frame& frame) = 0;
  // The last frame is there in part.
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  const std::string path_;
  std::optional<FrameFormat> format_;
  bool broken_ = false;
};

// Replaces an existing file. `frames`: the largest number of frames; 0: unknown. Throws UsageError
// for another extension, or if the form cannot have the device's format; Error.
std::unique_ptr<Recording> MakeRecording(const std::string& path, const DeviceStatus& device,
                                         uint64_t frames);

}  // namespace grabfs::cli
