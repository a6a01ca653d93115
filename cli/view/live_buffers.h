// SPDX-License-Identifier: Apache-2.0
//
// The newest frame of a device in the buffer where it was written, held by flock(). Who follows the
// buffers like this opens no frame's file, and so leaves the device nothing to find out about.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "cli/device.h"
#include "cli/frame.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::view {

// Which frame a buffer has, or latest.raw is; nullopt when there is none.
std::optional<uint64_t> SequenceOf(int fd);
std::optional<uint64_t> SequenceOf(const std::filesystem::path& file);

// Until the end of its life the pixels do not change.
struct HeldFrame {
  cli::Frame frame;
  std::filesystem::path file;
  UniqueFd lock;  // it lasts while any duplicate of this descriptor is open: hand none out
};

class LiveBuffers {
 public:
  explicit LiveBuffers(const cli::Device& device) : device_(device) {}

  // nullopt: there is none, or capture was faster, and a newer one is about to be announced. Throws
  // Error.
  std::optional<HeldFrame> HoldNewest();

 private:
  [[nodiscard]] std::optional<HeldFrame> Hold(uint64_t sequence) const;
  void List();

  cli::Device device_;
  std::vector<std::filesystem::path> files_;
};

}  // namespace grabfs::view
