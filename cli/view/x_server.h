// SPDX-License-Identifier: Apache-2.0
//
// The connection to an X server.
#pragma once

#include <xcb/xcb.h>

#include <cstdint>
#include <string>

namespace grabfs::view {

class XServer {
 public:
  // Connects to $DISPLAY. Throws Error if there is none, or if its screen does not have 32 bits a
  // pixel in true colour, blue first.
  XServer();
  ~XServer();
  XServer(const XServer&) = delete;
  XServer& operator=(const XServer&) = delete;

  [[nodiscard]] xcb_connection_t* connection() const { return connection_; }
  [[nodiscard]] const xcb_screen_t& screen() const { return *screen_; }
  // The server is on this machine and accepts descriptors of shared memory (MIT-SHM 1.2).
  [[nodiscard]] bool takes_descriptors() const { return takes_descriptors_; }
  // Bytes of the longest request.
  [[nodiscard]] uint64_t longest_request() const;

  // Waits until a request has been carried out. False when the server refused it.
  [[nodiscard]] bool Succeeds(xcb_void_cookie_t cookie) const;
  // The same; throws Error(EIO) that names `what` when it was refused or the connection is gone.
  void Require(xcb_void_cookie_t cookie, const std::string& what) const;

 private:
  [[nodiscard]] bool ShowsTrueColour() const;
  [[nodiscard]] bool IsLocal() const;
  [[nodiscard]] bool HasSharedMemoryByDescriptor() const;

  xcb_connection_t* connection_;
  const xcb_screen_t* screen_ = nullptr;
  bool takes_descriptors_ = false;
};

}  // namespace grabfs::view
