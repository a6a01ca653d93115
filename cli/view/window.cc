// SPDX-License-Identifier: Apache-2.0
#include "cli/view/window.h"

#include <array>
#include <cerrno>
#include <string_view>

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
constexpr std::array<Key, 15> kKeys = {{
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
    {'i', Command::kText, "i", "hide the text in the window, or show it again"},
    {'q', Command::kQuit, "q, escape", "quit"},
    {0xff1b, Command::kQuit, nullptr, nullptr},
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
  return help;
}

Window::Window(const XServer& server, uint32_t width, uint32_t height)
    : server_(server),
      id_(xcb_generate_id(server.connection())),
      close_(Atom("WM_DELETE_WINDOW")),
      symbols_(xcb_key_symbols_alloc(server.connection())) {
  xcb_connection_t* connection = server_.connection();
  const xcb_screen_t& screen = server_.screen();
  const std::array<uint32_t, 2> values = {screen.black_pixel,
                                          XCB_EVENT_MASK_EXPOSURE | XCB_EVENT_MASK_KEY_PRESS};
  server_.Require(
      xcb_create_window_checked(connection, screen.root_depth, id_, screen.root, 0, 0,
                                static_cast<uint16_t>(width), static_cast<uint16_t>(height), 0,
                                XCB_WINDOW_CLASS_INPUT_OUTPUT, screen.root_visual,
                                XCB_CW_BACK_PIXEL | XCB_CW_EVENT_MASK, values.data()),
      "a window");
  xcb_change_property(connection, XCB_PROP_MODE_REPLACE, id_, XCB_ATOM_WM_CLASS, XCB_ATOM_STRING, 8,
                      static_cast<uint32_t>(kClass.size()), kClass.data());
  xcb_change_property(connection, XCB_PROP_MODE_REPLACE, id_, Atom("WM_PROTOCOLS"), XCB_ATOM_ATOM,
                      32, 1, &close_);
  xcb_map_window(connection, id_);
  xcb_flush(connection);
}

Window::~Window() { xcb_destroy_window(server_.connection(), id_); }

void Window::Resize(uint32_t width, uint32_t height) const {
  const std::array<uint32_t, 2> values = {width, height};
  xcb_configure_window(server_.connection(), id_,
                       XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT, values.data());
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

std::optional<Command> Window::NextCommand() const {
  while (const auto event = Own(xcb_poll_for_event(server_.connection()))) {
    if (const auto command = Understand(*event)) return command;
  }
  if (xcb_connection_has_error(server_.connection()) != 0) {
    throw Error(ECONNRESET, "the X server has gone away");
  }
  return std::nullopt;
}

std::optional<Command> Window::Understand(const xcb_generic_event_t& event) const {
  switch (event.response_type & ~kSyntheticBit) {
    case XCB_EXPOSE:
      return Command::kRedraw;
    case XCB_KEY_PRESS:
      return OfKey(reinterpret_cast<const xcb_key_press_event_t&>(event));
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

xcb_atom_t Window::Atom(const std::string& name) const {
  const auto reply = Own(xcb_intern_atom_reply(
      server_.connection(),
      xcb_intern_atom(server_.connection(), 0, static_cast<uint16_t>(name.size()), name.data()),
      nullptr));
  return reply == nullptr ? xcb_atom_t{XCB_ATOM_NONE} : reply->atom;
}

}  // namespace grabfs::view
