// SPDX-License-Identifier: Apache-2.0
#include "cli/view/caption.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "cli/view/reply.h"

namespace grabfs::view {
namespace {

constexpr std::string_view kFont = "fixed";
constexpr int kMargin = 4;
// The length of a text has one byte in the request.
constexpr size_t kLongestLine = 255;

}  // namespace

Caption::Caption(const XServer& server, xcb_window_t window)
    : server_(server),
      window_(window),
      font_(xcb_generate_id(server.connection())),
      context_(xcb_generate_id(server.connection())) {
  xcb_connection_t* connection = server_.connection();
  if (!server_.Succeeds(xcb_open_font_checked(connection, font_, kFont.size(), kFont.data()))) {
    return;
  }
  const xcb_screen_t& screen = server_.screen();
  const std::array<uint32_t, 3> values = {screen.white_pixel, screen.black_pixel, font_};
  xcb_create_gc(connection, context_, window, XCB_GC_FOREGROUND | XCB_GC_BACKGROUND | XCB_GC_FONT,
                values.data());
  const auto font =
      Own(xcb_query_font_reply(connection, xcb_query_font(connection, font_), nullptr));
  if (font == nullptr) return;
  ascent_ = font->font_ascent;
  line_height_ = font->font_ascent + font->font_descent;
}

Caption::~Caption() {
  if (!available()) return;
  xcb_free_gc(server_.connection(), context_);
  xcb_close_font(server_.connection(), font_);
}

void Caption::Draw(const std::vector<std::string>& lines) const {
  if (!available()) return;
  int baseline = kMargin + ascent_;
  for (const std::string& line : lines) {
    const auto length = static_cast<uint8_t>(std::min(line.size(), kLongestLine));
    xcb_image_text_8(server_.connection(), length, window_, context_, kMargin,
                     static_cast<int16_t>(baseline), line.data());
    baseline += line_height_;
  }
  xcb_flush(server_.connection());
}

}  // namespace grabfs::view
