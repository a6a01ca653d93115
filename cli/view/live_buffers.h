// SPDX-License-Identifier: Apache-2.0
//
// Finds the newest frame of a device in its buffer, and holds it by flock(2). A follower of the
// buffers opens no file in frames/, so the daemon need not find out whether a frame is still mapped
// after its close.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "cli/mount/device.h"
#include "cli/mount/frame.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::view {

// The sequence number of the frame in a buffer, or of latest.raw; nullopt: there is none.
std::optional<uint64_t> SequenceOf(int fd);
std::optional<uint64_t> SequenceOf(const std::filesystem::path& file);

// While it exists the pixels do not change.
struct HeldFrame {
  cli::Frame frame;
  std::filesystem::path file;
  UniqueFd lock;  // locked while any duplicate of this descriptor is open: pass none on
};

class LiveBuffers {
 public:
  explicit LiveBuffers(const cli::Device& device) : device_(device) {}

  // nullopt: there is no frame, or capture was faster and will announce a newer one. Throws Error.
  std::optional<HeldFrame> HoldNewest();

 private:
  [[nodiscard]] std::optional<HeldFrame> Hold(uint64_t sequence) const;
  void List();

  cli::Device device_;
  std::vector<std::filesystem::path> files_;
};

}  // namespace grabfs::view
