// SPDX-License-Identifier: Apache-2.0
//
// A file of many frames, in the form that its name ends in:
//
//     .raw          frames back to back as they are; what they are in NAME.jsonl, a JSON object a
//                   line: first the format, then each frame with its offset
//     .y4m          YUV4MPEG2, as the mount's stream.y4m
//     .tiff, .tif   one page each; BigTIFF when it may pass 4 GiB
//
// All frames have the format of the first.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cli/frame.h"
#include "cli/status.h"

namespace grabfs::cli {

class Recording {
 public:
  virtual ~Recording() = default;
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  // Throws Error: EINVAL for a frame of another format, else what the disk says.
  void Add(const Frame& frame);
  // What is not on its way yet; no more frames afterwards. Throws Error.
  virtual void Finish() = 0;

  [[nodiscard]] virtual uint64_t bytes() const = 0;
  // Past the page cache?
  [[nodiscard]] virtual bool direct() const = 0;

 protected:
  explicit Recording(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] const std::string& path() const { return path_; }
  virtual void Write(const Frame& frame) = 0;

 private:
  const std::string path_;
  std::optional<FrameFormat> format_;
};

// Replaces what is there. `frames`: how many there will be at most; 0: not known. Throws UsageError
// for another extension or a device whose frames the form cannot have, Error.
std::unique_ptr<Recording> MakeRecording(const std::string& path, const DeviceStatus& device,
                                         uint64_t frames);

}  // namespace grabfs::cli
