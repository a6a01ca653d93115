// SPDX-License-Identifier: Apache-2.0
#include "cli/view/window.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <string_view>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/command/help.h"

namespace grabfs::view {
namespace {

// WM_CLASS: instance and class, each with its zero.
constexpr std::string_view kClass("grabfs-view\0Grabfs-view\0", 24);

struct Key {
  xcb_keysym_t symbol;
  Command command;
  const char* name;  // in the help; null: another key for the one before
  const char* meaning;
};

// X's symbols of printable keys are their characters; the others are of the 0xff00 block.
constexpr std::array<Key, 21> kKeys = {{
    {'s', Command::kStartStop, "s", "start the device, or stop it"},
    {' ', Command::kPause, "space", "pause and go on"},
    {'n', Command::kStep, "n, right",
     "the next frame, then pause; triggers one if the device is stopped"},
    {0xff53, Command::kStep, nullptr, nullptr},
    {'w', Command::kSave, "w", "write what is shown to DEVICE-SEQUENCE.png in the current folder"},
    {'+', Command::kZoomIn, "+", "twice as large"},
    {'=', Command::kZoomIn, nullptr, nullptr},
    {0xffab, Command::kZoomIn, nullptr, nullptr},
    {'-', Command::kZoomOut, "-", "half as large"},
    {0xffad, Command::kZoomOut, nullptr, nullptr},
    {'1', Command::kZoomReset, "1", "pixel for pixel"},
    {'a', Command::kAutoLevels, "a",
     "window and level from the picture: all but 0.5 % at either end"},
    {'r', Command::kResetLevels, "r", "window and level back to all values"},
    {'h', Command::kHistogram, "h", "histogram"},
    {'c', Command::kClipping, "c", "clipping: the largest value red, the lowest blue"},
    {'p', Command::kFocus, "p", "focus: a number that is largest when the middle is sharp"},
    {'i', Command::kText, "i", "hide the text in the window, or show it again"},
    {'f', Command::kFullScreen, "f", "fill the screen, or no longer"},
    {0xff1b, Command::kEscape, "escape", "leave the full screen; else quit"},
    {'q', Command::kQuit, "q", "quit"},
    {'0', Command::kZoomReset, nullptr, nullptr},
}};

constexpr uint8_t kSyntheticBit = 0x80;

// The column in which the help describes a key.
constexpr size_t kKeyColumn = 14;

}  // namespace

std::string KeyHelp() {
  std::string help = "Keys:";
  for (const Key& key : kKeys) {
    if (key.name == nullptr) continue;
    help += "\n" + HelpEntry(key.name, kKeyColumn) + key.meaning;
  }
  help += "\n" + HelpEntry("mouse", kKeyColumn) +
          "drag with the left button: to the right widens the window, upwards makes brighter";
  return help;
}

Window::Window(const XServer& server, Size size, bool full_screen)
    : server_(server),
      id_(xcb_generate_id(server.connection())),
      close_(Atom("WM_DELETE_WINDOW")),
      state_(Atom("_NET_WM_STATE")),
      full_screen_state_(Atom("_NET_WM_STATE_FULLSCREEN")),
      size_(size),
      symbols_(xcb_key_symbols_alloc(server.connection())) {
  xcb_connection_t* connection = server_.connection();
  const xcb_screen_t& screen = server_.screen();
  const std::array<uint32_t, 2> values = {
      screen.black_pixel, XCB_EVENT_MASK_EXPOSURE | XCB_EVENT_MASK_KEY_PRESS |
                              XCB_EVENT_MASK_STRUCTURE_NOTIFY | XCB_EVENT_MASK_BUTTON_PRESS |
                              XCB_EVENT_MASK_BUTTON_1_MOTION | XCB_EVENT_MASK_PROPERTY_CHANGE};
  server_.Require(xcb_create_window_checked(connection, screen.root_depth, id_, screen.root, 0, 0,
                                            static_cast<uint16_t>(size.width),
                                            static_cast<uint16_t>(size.height), 0,
                                            XCB_WINDOW_CLASS_INPUT_OUTPUT, screen.root_visual,
                                            XCB_CW_BACK_PIXEL | XCB_CW_EVENT_MASK, values.data()),
                  "a window");
  xcb_change_property(connection, XCB_PROP_MODE_REPLACE, id_, XCB_ATOM_WM_CLASS, XCB_ATOM_STRING, 8,
                      static_cast<uint32_t>(kClass.size()), kClass.data());
  xcb_change_property(connection, XCB_PROP_MODE_REPLACE, id_, Atom("WM_PROTOCOLS"), XCB_ATOM_ATOM,
                      32, 1, &close_);
  // The window manager reads it when the window appears.
  if (full_screen) {
    xcb_change_property(connection, XCB_PROP_MODE_REPLACE, id_, state_, XCB_ATOM_ATOM, 32, 1,
                        &full_screen_state_);
  }
  xcb_map_window(connection, id_);
  xcb_flush(connection);
}

Window::~Window() { xcb_destroy_window(server_.connection(), id_); }

void Window::Resize(Size size) const {
  if (full_screen_) return;
  const std::array<uint32_t, 2> values = {size.width, size.height};
  xcb_configure_window(server_.connection(), id_,
                       XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT, values.data());
}

void Window::SetFullScreen(bool full) const {
  const xcb_window_t root = server_.screen().root;
  if (!Lists(root, Atom("_NET_SUPPORTED"), full_screen_state_)) {
    throw Error(ENOSYS, "there is no window manager that could fill the screen");
  }
  constexpr uint32_t kRemove = 0;
  constexpr uint32_t kAdd = 1;
  constexpr uint32_t kFromApplication = 1;
  xcb_client_message_event_t message = {};
  message.response_type = XCB_CLIENT_MESSAGE;
  message.format = 32;
  message.window = id_;
  message.type = state_;
  message.data.data32[0] = full ? kAdd : kRemove;
  message.data.data32[1] = full_screen_state_;
  message.data.data32[3] = kFromApplication;
  xcb_send_event(server_.connection(), /*propagate=*/0, root,
                 XCB_EVENT_MASK_SUBSTRUCTURE_REDIRECT | XCB_EVENT_MASK_SUBSTRUCTURE_NOTIFY,
                 reinterpret_cast<const char*>(&message));
  xcb_flush(server_.connection());
}

void Window::SetTitle(const std::string& title) const {
  const auto length = static_cast<uint32_t>(title.size());
  xcb_change_property(server_.connection(), XCB_PROP_MODE_REPLACE, id_, XCB_ATOM_WM_NAME,
                      XCB_ATOM_STRING, 8, length, title.data());
  xcb_change_property(server_.connection(), XCB_PROP_MODE_REPLACE, id_, Atom("_NET_WM_NAME"),
                      Atom("UTF8_STRING"), 8, length, title.data());
  xcb_flush(server_.connection());
}

void Window::Clear() const {
  constexpr uint16_t kAll = 0;  // up to the border
  xcb_clear_area(server_.connection(), /*exposures=*/0, id_, 0, 0, kAll, kAll);
}

std::optional<Command> Window::NextCommand() {
  while (const auto event = Own(xcb_poll_for_event(server_.connection()))) {
    if (const auto command = Understand(*event)) return command;
  }
  if (xcb_connection_has_error(server_.connection()) != 0) {
    throw Error(ECONNRESET, "the X server has gone away");
  }
  return std::nullopt;
}

Drag Window::TakeDrag() { return std::exchange(drag_, {}); }

std::optional<Command> Window::Understand(const xcb_generic_event_t& event) {
  switch (event.response_type & ~kSyntheticBit) {
    case XCB_EXPOSE:
      return Command::kRedraw;
    case XCB_KEY_PRESS:
      return OfKey(reinterpret_cast<const xcb_key_press_event_t&>(event));
    case XCB_BUTTON_PRESS: {
      const auto& mouse = reinterpret_cast<const xcb_button_press_event_t&>(event);
      mouse_ = {mouse.event_x, mouse.event_y};
      return std::nullopt;
    }
    case XCB_MOTION_NOTIFY: {
      const auto& mouse = reinterpret_cast<const xcb_motion_notify_event_t&>(event);
      const Drag from = std::exchange(mouse_, {mouse.event_x, mouse.event_y});
      drag_ = {drag_.right + mouse_.right - from.right, drag_.down + mouse_.down - from.down};
      return Command::kDrag;
    }
    case XCB_CONFIGURE_NOTIFY: {
      const auto& news = reinterpret_cast<const xcb_configure_notify_event_t&>(event);
      size_ = {news.width, news.height};
      return Command::kRedraw;
    }
    case XCB_PROPERTY_NOTIFY:
      if (reinterpret_cast<const xcb_property_notify_event_t&>(event).atom != state_) {
        return std::nullopt;
      }
      full_screen_ = Lists(id_, state_, full_screen_state_);
      return Command::kFullScreenChanged;
    case XCB_CLIENT_MESSAGE: {
      const auto& message = reinterpret_cast<const xcb_client_message_event_t&>(event);
      if (message.data.data32[0] == close_) return Command::kQuit;
      return std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

std::optional<Command> Window::OfKey(const xcb_key_press_event_t& key) const {
  const int column = (key.state & XCB_MOD_MASK_SHIFT) != 0 ? 1 : 0;
  const xcb_keysym_t symbol = xcb_key_symbols_get_keysym(symbols_.get(), key.detail, column);
  for (const Key& known : kKeys) {
    if (known.symbol == symbol) return known.command;
  }
  return std::nullopt;
}

bool Window::Lists(xcb_window_t window, xcb_atom_t property, xcb_atom_t atom) const {
  constexpr uint32_t kMostWords = 4096;
  const auto reply = Own(xcb_get_property_reply(
      server_.connection(),
      xcb_get_property(server_.connection(), 0, window, property, XCB_ATOM_ATOM, 0, kMostWords),
      nullptr));
  if (reply == nullptr) return false;
  const auto* atoms = static_cast<const xcb_atom_t*>(xcb_get_property_value(reply.get()));
  return std::ranges::count(std::span(atoms, reply->value_len), atom) > 0;
}

xcb_atom_t Window::Atom(const std::string& name) const {
  const auto reply = Own(xcb_intern_atom_reply(
      server_.connection(),
      xcb_intern_atom(server_.connection(), 0, static_cast<uint16_t>(name.size()), name.data()),
      nullptr));
  return reply == nullptr ? xcb_atom_t{XCB_ATOM_NONE} : reply->atom;
}

}  // namespace grabfs::view
