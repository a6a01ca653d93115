// SPDX-License-Identifier: Apache-2.0
#include "cli/view/x_server.h"

#include <sys/socket.h>
#include <xcb/shm.h>

#include <cerrno>
#include <cstdlib>

#include "cli/view/reply.h"
#include "fusefs/base/error.h"

namespace grabfs::view {
namespace {

constexpr uint8_t kDepth = 24;
constexpr uint8_t kBitsPerPixel = 32;
constexpr uint32_t kRedMask = 0xff0000;
constexpr uint32_t kBlueMask = 0xff;

const xcb_screen_t* FindScreen(const xcb_setup_t* setup, int number) {
  xcb_screen_iterator_t screens = xcb_setup_roots_iterator(setup);
  for (; number > 0 && screens.rem > 1; --number) xcb_screen_next(&screens);
  return screens.data;
}

bool HasPixelsOf32Bits(const xcb_setup_t* setup) {
  for (auto format = xcb_setup_pixmap_formats_iterator(setup); format.rem > 0;
       xcb_format_next(&format)) {
    if (format.data->depth == kDepth) return format.data->bits_per_pixel == kBitsPerPixel;
  }
  return false;
}

bool IsTrueColour(const xcb_screen_t& screen) {
  for (auto depth = xcb_screen_allowed_depths_iterator(&screen); depth.rem > 0;
       xcb_depth_next(&depth)) {
    for (auto visual = xcb_depth_visuals_iterator(depth.data); visual.rem > 0;
         xcb_visualtype_next(&visual)) {
      if (visual.data->visual_id != screen.root_visual) continue;
      return visual.data->_class == XCB_VISUAL_CLASS_TRUE_COLOR &&
             visual.data->red_mask == kRedMask && visual.data->blue_mask == kBlueMask;
    }
  }
  return false;
}

}  // namespace

XServer::XServer() {
  int number = 0;
  connection_ = xcb_connect(nullptr, &number);
  try {
    if (xcb_connection_has_error(connection_) != 0) {
      const char* display = std::getenv("DISPLAY");
      throw Error(ENOENT, display == nullptr
                              ? "DISPLAY is not set: there is no X server to show anything on"
                              : "cannot connect to the X server '" + std::string(display) + "'");
    }
    screen_ = FindScreen(xcb_get_setup(connection_), number);
    if (!ShowsTrueColour()) {
      throw Error(EINVAL, "the X server's screen has not 24 bits of colour in 32-bit pixels");
    }
    takes_descriptors_ = IsLocal() && HasSharedMemoryByDescriptor();
  } catch (...) {
    xcb_disconnect(connection_);
    throw;
  }
}

XServer::~XServer() { xcb_disconnect(connection_); }

uint64_t XServer::longest_request() const {
  return uint64_t{xcb_get_maximum_request_length(connection_)} * 4;
}

bool XServer::Succeeds(xcb_void_cookie_t cookie) const {
  const auto error = Own(xcb_request_check(connection_, cookie));
  return error == nullptr && xcb_connection_has_error(connection_) == 0;
}

void XServer::Require(xcb_void_cookie_t cookie, const std::string& what) const {
  const auto error = Own(xcb_request_check(connection_, cookie));
  if (error != nullptr) {
    throw Error(EIO,
                what + ": the X server refuses (error " + std::to_string(error->error_code) + ")");
  }
  if (xcb_connection_has_error(connection_) != 0) {
    throw Error(ECONNRESET, what + ": the X server has gone away");
  }
}

bool XServer::ShowsTrueColour() const {
  const xcb_setup_t* setup = xcb_get_setup(connection_);
  return screen_->root_depth == kDepth && setup->image_byte_order == XCB_IMAGE_ORDER_LSB_FIRST &&
         HasPixelsOf32Bits(setup) && IsTrueColour(*screen_);
}

// Descriptors travel through sockets of this machine only; libxcb gives the connection up when it
// is asked to send one elsewhere.
bool XServer::IsLocal() const {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  const int fd = xcb_get_file_descriptor(connection_);
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
         address.ss_family == AF_UNIX;
}

bool XServer::HasSharedMemoryByDescriptor() const {
  const xcb_query_extension_reply_t* extension = xcb_get_extension_data(connection_, &xcb_shm_id);
  if (extension == nullptr || extension->present == 0) return false;
  const auto version =
      Own(xcb_shm_query_version_reply(connection_, xcb_shm_query_version(connection_), nullptr));
  return version != nullptr && (version->major_version > 1 || version->minor_version >= 2);
}

}  // namespace grabfs::view
