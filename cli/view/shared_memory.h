// SPDX-License-Identifier: Apache-2.0
//
// A file that the X server has mapped, so that it reads pixels there itself (MIT-SHM).
#pragma once

#include <xcb/shm.h>

#include <memory>

#include "cli/view/x_server.h"

namespace grabfs::view {

class SharedMemory {
 public:
  // Sends the server a duplicate of `fd`, for reading. nullptr: it refuses.
  static std::unique_ptr<SharedMemory> Attach(const XServer& server, int fd);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  [[nodiscard]] xcb_shm_seg_t id() const { return id_; }

 private:
  SharedMemory(const XServer& server, xcb_shm_seg_t id) : server_(server), id_(id) {}

  const XServer& server_;
  xcb_shm_seg_t id_;
};

}  // namespace grabfs::view
