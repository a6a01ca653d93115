// SPDX-License-Identifier: Apache-2.0
//
// Reads a stream file of a device: frame after frame as bytes, in pieces that never contain the end
// of one frame and the beginning of the next.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/base/deadline.h"
#include "cli/mount/device.h"
#include "cli/mount/readiness.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::cli {

class FrameStream {
 public:
  // `file`: "stream.raw". Throws Error with the device's reason if it has no such stream.
  FrameStream(const Device& device, const std::string& file);

  enum class Status {
    kBytes,    // `bytes` are the next ones
    kMissing,  // lossless: frames are missing here, before the next piece
    kEnd,
    kNothing,  // nothing came in time, or a signal came
  };
  struct Piece {
    Status status;
    std::span<const uint8_t> bytes;  // valid until the next call
    int code = 0;                    // kMissing: the errno of the read
  };
  // Throws Error.
  Piece Read(const Deadline& deadline);

 private:
  const std::string path_;
  UniqueFd fd_;
  Readiness readiness_;
  std::vector<uint8_t> buffer_;
};

}  // namespace grabfs::cli
