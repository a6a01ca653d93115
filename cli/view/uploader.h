// SPDX-License-Identifier: Apache-2.0
//
// Transfers a frame to the X server, in the first of these ways that works:
//
//     shared      the server has mapped the device's buffers and reads the frame there: no copy
//     converted   into memory that the server has mapped: not 32-bit BGR, or clipping is shown
//     sent        through the connection: the server is on another machine, or it refuses
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/mount/device.h"
#include "cli/mount/frame.h"
#include "cli/view/canvas.h"
#include "cli/view/look.h"
#include "cli/view/shared_memory.h"
#include "cli/view/x_server.h"
#include "fusefs/base/mapping.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::view {

class Uploader {
 public:
  // `share`: false sends everything through the connection.
  Uploader(const XServer& server, const cli::Device& device, bool share)
      : server_(server), device_(device), share_(share) {}

  // Fills a canvas of the frame's size. False: a camera's JPEG that is damaged; the canvas stays,
  // and way() says why. Throws Error.
  [[nodiscard]] bool Show(const grabfs::Frame& frame, const Look& look, Canvas& canvas);

  // The way of the last frame, for people.
  [[nodiscard]] std::string_view way() const { return way_; }

 private:
  // A buffer of the device that the server has mapped.
  struct Buffer {
    UniqueFd fd;  // of the same file: its attributes say which frame is there
    std::unique_ptr<SharedMemory> memory;
  };

  // Memory of our own for converted pixels.
  struct Converted {
    UniqueFd fd;
    std::unique_ptr<Mapping> pixels;
    std::unique_ptr<SharedMemory> memory;  // null where the server does not share
  };

  [[nodiscard]] const SharedMemory* Shared(uint64_t sequence);
  [[nodiscard]] bool ShowConverted(const grabfs::Frame& frame, const Look& look, Canvas& canvas);
  void MakeConverted(uint64_t bytes);

  const XServer& server_;
  const cli::Device device_;
  bool share_;
  std::vector<Buffer> buffers_;
  Converted converted_;
  std::string way_ = "nothing shown yet";
};

}  // namespace grabfs::view
