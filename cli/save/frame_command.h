// SPDX-License-Identifier: Apache-2.0
//
// A command for frames, as a user types it: "convert {} out-%06d.png". In each of its words
//
//     {}               is the file of the frame as a picture (frames.pnm/); of formats that have
//                      none the frame as it is (frames/)
//     {raw} {tiff} ... is the file of the frame in that form
//     %d %6d %06d      is its sequence number
//
// and everything else stays as it is. If no word names a file of the frame, {} is added behind the
// last.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/mount/device.h"

namespace grabfs::cli {

class FrameCommand {
 public:
  explicit FrameCommand(std::vector<std::string> words);

  // `fourcc`: of the frame.
  [[nodiscard]] std::vector<std::string> Expand(const Device& device, uint64_t sequence,
                                                uint32_t fourcc) const;

 private:
  std::vector<std::string> words_;
};

}  // namespace grabfs::cli
