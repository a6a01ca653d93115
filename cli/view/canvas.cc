// SPDX-License-Identifier: Apache-2.0
#include "cli/view/canvas.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <vector>

#include "cli/view/reply.h"
#include "fusefs/base/error.h"

namespace grabfs::view {
namespace {

constexpr uint32_t kMaxLength = 32767;
// RENDER's numbers have 16 bits behind the point.
constexpr xcb_render_fixed_t kOne = 1 << 16;
// Beside the pixels there is the head of a request.
constexpr uint64_t kRequestHead = 64;

xcb_render_fixed_t Ratio(uint32_t from, uint32_t to) {
  return static_cast<xcb_render_fixed_t>(uint64_t{from} * kOne / to);
}

}  // namespace

Canvas::Canvas(const XServer& server, uint32_t width, uint32_t height)
    : server_(server),
      width_(width),
      height_(height),
      pixmap_(xcb_generate_id(server.connection())),
      context_(xcb_generate_id(server.connection())),
      format_(FindFormat()),
      picture_(xcb_generate_id(server.connection())) {
  if (width > kMaxLength || height > kMaxLength) {
    throw Error(EFBIG, "a picture of " + std::to_string(width) + "x" + std::to_string(height) +
                           " is too large for X");
  }
  xcb_connection_t* connection = server_.connection();
  const xcb_screen_t& screen = server_.screen();
  server_.Require(
      xcb_create_pixmap_checked(connection, screen.root_depth, pixmap_, screen.root,
                                static_cast<uint16_t>(width), static_cast<uint16_t>(height)),
      "a picture in the X server");
  xcb_create_gc(connection, context_, pixmap_, 0, nullptr);
  xcb_render_create_picture(connection, picture_, pixmap_, format_, 0, nullptr);
}

Canvas::~Canvas() {
  xcb_render_free_picture(server_.connection(), picture_);
  xcb_free_gc(server_.connection(), context_);
  xcb_free_pixmap(server_.connection(), pixmap_);
}

void Canvas::Fill(const SharedMemory& memory, uint32_t stride) {
  const auto w = static_cast<uint16_t>(width_);
  const auto h = static_cast<uint16_t>(height_);
  // What lies beyond the width of a padded row is not sent on.
  server_.Require(
      xcb_shm_put_image_checked(server_.connection(), pixmap_, context_,
                                static_cast<uint16_t>(stride / kPixelBytes), h, 0, 0, w, h, 0, 0,
                                server_.screen().root_depth, XCB_IMAGE_FORMAT_Z_PIXMAP,
                                /*send_event=*/0, memory.id(), 0),
      "showing shared memory");
}

void Canvas::Fill(std::span<const uint8_t> pixels, uint32_t stride) {
  const uint32_t row_bytes = width_ * kPixelBytes;
  const uint64_t room = server_.longest_request() - kRequestHead;
  const auto rows = static_cast<uint32_t>(std::clamp<uint64_t>(room / row_bytes, 1, height_));
  std::vector<uint8_t> band(uint64_t{rows} * row_bytes);
  for (uint32_t y = 0; y < height_; y += rows) {
    const uint32_t count = std::min(rows, height_ - y);
    for (uint32_t row = 0; row < count; ++row) {
      std::copy_n(&pixels[uint64_t{y + row} * stride], row_bytes, &band[uint64_t{row} * row_bytes]);
    }
    server_.Require(
        xcb_put_image_checked(server_.connection(), XCB_IMAGE_FORMAT_Z_PIXMAP, pixmap_, context_,
                              static_cast<uint16_t>(width_), static_cast<uint16_t>(count), 0,
                              static_cast<int16_t>(y), 0, server_.screen().root_depth,
                              count * row_bytes, band.data()),
        "sending a picture");
  }
}

void Canvas::Draw(xcb_window_t window, const Area& area) const {
  xcb_connection_t* connection = server_.connection();
  const auto x = static_cast<int16_t>(area.x);
  const auto y = static_cast<int16_t>(area.y);
  const auto w = static_cast<uint16_t>(area.size.width);
  const auto h = static_cast<uint16_t>(area.size.height);
  if (area.size == size()) {
    xcb_copy_area(connection, pixmap_, window, context_, 0, 0, x, y, w, h);
    xcb_flush(connection);
    return;
  }
  ScaleTo(area.size);
  const xcb_render_picture_t target = xcb_generate_id(connection);
  xcb_render_create_picture(connection, target, window, format_, 0, nullptr);
  xcb_render_composite(connection, XCB_RENDER_PICT_OP_SRC, picture_, XCB_NONE, target, 0, 0, 0, 0,
                       x, y, w, h);
  xcb_render_free_picture(connection, target);
  xcb_flush(connection);
}

void Canvas::ScaleTo(Size size) const {
  const xcb_render_transform_t transform = {.matrix11 = Ratio(width_, size.width),
                                            .matrix12 = 0,
                                            .matrix13 = 0,
                                            .matrix21 = 0,
                                            .matrix22 = Ratio(height_, size.height),
                                            .matrix23 = 0,
                                            .matrix31 = 0,
                                            .matrix32 = 0,
                                            .matrix33 = kOne};
  constexpr std::string_view kNearest = "nearest";
  constexpr std::string_view kBilinear = "bilinear";
  const std::string_view filter = size.width > width_ ? kNearest : kBilinear;
  xcb_render_set_picture_transform(server_.connection(), picture_, transform);
  xcb_render_set_picture_filter(server_.connection(), picture_,
                                static_cast<uint16_t>(filter.size()), filter.data(), 0, nullptr);
}

xcb_render_pictformat_t Canvas::FindFormat() const {
  xcb_connection_t* connection = server_.connection();
  const auto formats = Own(xcb_render_query_pict_formats_reply(
      connection, xcb_render_query_pict_formats(connection), nullptr));
  if (formats == nullptr) throw Error(ENOSYS, "the X server has no RENDER extension");
  for (auto screen = xcb_render_query_pict_formats_screens_iterator(formats.get()); screen.rem > 0;
       xcb_render_pictscreen_next(&screen)) {
    for (auto depth = xcb_render_pictscreen_depths_iterator(screen.data); depth.rem > 0;
         xcb_render_pictdepth_next(&depth)) {
      for (auto visual = xcb_render_pictdepth_visuals_iterator(depth.data); visual.rem > 0;
           xcb_render_pictvisual_next(&visual)) {
        if (visual.data->visual == server_.screen().root_visual) return visual.data->format;
      }
    }
  }
  throw Error(ENOSYS, "the X server's RENDER extension does not know its own screen");
}

}  // namespace grabfs::view
