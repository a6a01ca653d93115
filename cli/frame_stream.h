// SPDX-License-Identifier: Apache-2.0
//
// A stream file of a device: frame after frame as bytes, in pieces that never reach beyond the end
// of a frame.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/deadline.h"
#include "cli/device.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::cli {

class FrameStream {
 public:
  // `file`: "stream.raw". Throws Error with the device's own reason when it has no such stream.
  FrameStream(const Device& device, const std::string& file);

  enum class Status {
    kBytes,    // `bytes` are the next ones
    kMissing,  // lossless: frames are missing here; what follows is the one after them
    kEnd,
    kNothing,  // none came in time, or a signal did
  };
  struct Piece {
    Status status;
    std::span<const uint8_t> bytes;  // until the next call
    int code = 0;                    // kMissing: errno, why
  };
  // Throws Error.
  Piece Read(const Deadline& deadline);

 private:
  const std::string path_;
  UniqueFd fd_;
  std::vector<uint8_t> buffer_;
};

}  // namespace grabfs::cli
