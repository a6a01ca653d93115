// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/view/x_client.h"

#include <xcb/xcb_keysyms.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "tests/mount/support/wait.h"

namespace grabfs::mount_test {
namespace {

template <typename T>
std::unique_ptr<T, decltype(&std::free)> Own(T* reply) {
  return {reply, &std::free};
}

constexpr size_t kPixelBytes = 4;

bool SameColours(const std::byte* a, const std::byte* b, size_t pixels) {
  for (size_t i = 0; i < pixels * kPixelBytes; ++i) {
    if (i % kPixelBytes != 3 && a[i] != b[i]) return false;
  }
  return true;
}

// Is `piece` in `whole` with its upper left corner at (x, y)?
bool IsAt(const Screenshot& whole, const Screenshot& piece, size_t x, size_t y) {
  for (size_t row = 0; row < piece.height; ++row) {
    const std::byte* there = &whole.pixels[((y + row) * whole.width + x) * kPixelBytes];
    const std::byte* wanted = &piece.pixels[row * piece.width * kPixelBytes];
    if (!SameColours(there, wanted, piece.width)) return false;
  }
  return true;
}

}  // namespace

XClient::XClient() {
  // The server chooses a free display and writes its number.
  server_ = std::make_unique<Process>(std::vector<std::string>{
      "Xvfb", "-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp", "-noreset"});
  const bool started = WaitUntil(
      [this] { return server_->out().find('\n') != std::string::npos || server_->Poll(); });
  const std::string number = server_->out();
  if (!started || number.empty()) throw std::runtime_error("no Xvfb: " + server_->err());
  display_ = ":" + number.substr(0, number.find('\n'));
  Connect();
}

XClient::~XClient() {
  if (connection_ != nullptr) xcb_disconnect(connection_);
}

void XClient::Connect() {
  connection_ = xcb_connect(display_.c_str(), nullptr);
  if (xcb_connection_has_error(connection_) != 0) {
    throw std::runtime_error("cannot connect to Xvfb at " + display_);
  }
  root_ = xcb_setup_roots_iterator(xcb_get_setup(connection_)).data->root;
}

bool XClient::FindWindow() {
  const auto tree =
      Own(xcb_query_tree_reply(connection_, xcb_query_tree(connection_, root_), nullptr));
  if (tree == nullptr || xcb_query_tree_children_length(tree.get()) != 1) return false;
  window_ = *xcb_query_tree_children(tree.get());
  return true;
}

std::string XClient::Title() const {
  const auto reply = Own(xcb_get_property_reply(
      connection_,
      xcb_get_property(connection_, 0, window_, XCB_ATOM_WM_NAME, XCB_ATOM_STRING, 0, 1024),
      nullptr));
  if (reply == nullptr) return "";
  return {static_cast<const char*>(xcb_get_property_value(reply.get())),
          static_cast<size_t>(xcb_get_property_value_length(reply.get()))};
}

std::optional<Screenshot> XClient::Look() const { return LookAt(window_); }

std::optional<Screenshot> XClient::LookAt(xcb_drawable_t drawable) const {
  const auto size =
      Own(xcb_get_geometry_reply(connection_, xcb_get_geometry(connection_, drawable), nullptr));
  if (size == nullptr) return std::nullopt;
  const auto image =
      Own(xcb_get_image_reply(connection_,
                              xcb_get_image(connection_, XCB_IMAGE_FORMAT_Z_PIXMAP, drawable, 0, 0,
                                            size->width, size->height, UINT32_MAX),
                              nullptr));
  if (image == nullptr) return std::nullopt;
  Screenshot shot = {size->width, size->height, {}};
  shot.pixels.resize(static_cast<size_t>(xcb_get_image_data_length(image.get())));
  std::memcpy(shot.pixels.data(), xcb_get_image_data(image.get()), shot.pixels.size());
  return shot;
}

bool XClient::ShowsText(const std::string& text) const {
  const auto shot = Look();
  const Screenshot wanted = Write(text);
  if (!shot) return false;
  for (size_t y = 0; y + wanted.height <= shot->height; ++y) {
    for (size_t x = 0; x + wanted.width <= shot->width; ++x) {
      if (IsAt(*shot, wanted, x, y)) return true;
    }
  }
  return false;
}

Screenshot XClient::Write(const std::string& text) const {
  const xcb_screen_t& screen = *xcb_setup_roots_iterator(xcb_get_setup(connection_)).data;
  const xcb_font_t font = xcb_generate_id(connection_);
  xcb_open_font(connection_, font, 5, "fixed");
  const auto metrics =
      Own(xcb_query_font_reply(connection_, xcb_query_font(connection_, font), nullptr));
  if (metrics == nullptr) throw std::runtime_error("this X server has no fonts");
  const auto width = static_cast<uint16_t>(text.size() * metrics->max_bounds.character_width);
  const auto height = static_cast<uint16_t>(metrics->font_ascent + metrics->font_descent);
  const xcb_pixmap_t paper = xcb_generate_id(connection_);
  xcb_create_pixmap(connection_, screen.root_depth, paper, root_, width, height);
  const uint32_t values[] = {screen.white_pixel, screen.black_pixel, font};
  const xcb_gcontext_t context = xcb_generate_id(connection_);
  xcb_create_gc(connection_, context, paper, XCB_GC_FOREGROUND | XCB_GC_BACKGROUND | XCB_GC_FONT,
                values);
  xcb_image_text_8(connection_, static_cast<uint8_t>(text.size()), paper, context, 0,
                   metrics->font_ascent, text.data());
  const auto written = LookAt(paper);
  xcb_free_gc(connection_, context);
  xcb_free_pixmap(connection_, paper);
  xcb_close_font(connection_, font);
  if (!written) throw std::runtime_error("cannot write '" + text + "'");
  return *written;
}

void XClient::Drag(int right, int down) const {
  constexpr int16_t kX = 320;
  constexpr int16_t kY = 256;
  xcb_button_press_event_t press = {};
  press.response_type = XCB_BUTTON_PRESS;
  press.detail = 1;
  press.event = window_;
  press.event_x = kX;
  press.event_y = kY;
  xcb_send_event(connection_, 0, window_, XCB_EVENT_MASK_BUTTON_PRESS,
                 reinterpret_cast<const char*>(&press));
  xcb_motion_notify_event_t motion = {};
  motion.response_type = XCB_MOTION_NOTIFY;
  motion.event = window_;
  motion.state = XCB_BUTTON_MASK_1;
  motion.event_x = static_cast<int16_t>(kX + right);
  motion.event_y = static_cast<int16_t>(kY + down);
  xcb_send_event(connection_, 0, window_, XCB_EVENT_MASK_BUTTON_1_MOTION,
                 reinterpret_cast<const char*>(&motion));
  xcb_flush(connection_);
}

void XClient::TakeFontsAway(const std::string& folder) const {
  std::ofstream(folder + "/fonts.dir") << "0\n";
  std::string path(1, static_cast<char>(folder.size()));
  path += folder;
  const auto error = Own(xcb_request_check(
      connection_,
      xcb_set_font_path_checked(connection_, 1, reinterpret_cast<const xcb_str_t*>(path.data()))));
  if (error != nullptr) throw std::runtime_error("the X server keeps its fonts");
}

void XClient::Press(uint32_t symbol) const {
  xcb_key_symbols_t* symbols = xcb_key_symbols_alloc(connection_);
  const auto codes = Own(xcb_key_symbols_get_keycode(symbols, symbol));
  if (codes == nullptr) throw std::runtime_error("no key has this symbol");
  xcb_key_press_event_t event = {};
  event.response_type = XCB_KEY_PRESS;
  event.detail = codes.get()[0];
  event.root = root_;
  event.event = window_;
  event.same_screen = 1;
  // '+' is on no key of its own.
  if (xcb_key_symbols_get_keysym(symbols, event.detail, 0) != symbol) {
    event.state = XCB_MOD_MASK_SHIFT;
  }
  xcb_key_symbols_free(symbols);
  xcb_send_event(connection_, 0, window_, XCB_EVENT_MASK_KEY_PRESS,
                 reinterpret_cast<const char*>(&event));
  xcb_flush(connection_);
}

}  // namespace grabfs::mount_test
