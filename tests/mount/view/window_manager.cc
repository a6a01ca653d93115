// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/view/window_manager.h"

#include <array>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "tests/mount/support/wait.h"

namespace grabfs::mount_test {
namespace {

constexpr uint32_t kOrdinaryWidth = 320;
constexpr uint32_t kOrdinaryHeight = 240;

template <typename T>
std::unique_ptr<T, decltype(&std::free)> Own(T* reply) {
  return {reply, &std::free};
}

}  // namespace

WindowManager::WindowManager(const std::string& display)
    : connection_(xcb_connect(display.c_str(), nullptr)),
      screen_(xcb_setup_roots_iterator(xcb_get_setup(connection_)).data),
      state_(Atom("_NET_WM_STATE")),
      full_screen_(Atom("_NET_WM_STATE_FULLSCREEN")) {
  const uint32_t requests = XCB_EVENT_MASK_SUBSTRUCTURE_NOTIFY;
  xcb_change_window_attributes(connection_, screen_->root, XCB_CW_EVENT_MASK, &requests);
  xcb_change_property(connection_, XCB_PROP_MODE_REPLACE, screen_->root, Atom("_NET_SUPPORTED"),
                      XCB_ATOM_ATOM, 32, 1, &full_screen_);
  xcb_flush(connection_);
}

WindowManager::~WindowManager() { xcb_disconnect(connection_); }

bool WindowManager::WantsFullScreen(xcb_window_t window) const {
  const auto states = Own(xcb_get_property_reply(
      connection_, xcb_get_property(connection_, 0, window, state_, XCB_ATOM_ATOM, 0, 1), nullptr));
  return states != nullptr && xcb_get_property_value_length(states.get()) == sizeof(xcb_atom_t) &&
         *static_cast<xcb_atom_t*>(xcb_get_property_value(states.get())) == full_screen_;
}

void WindowManager::Fill(xcb_window_t window) const {
  xcb_change_property(connection_, XCB_PROP_MODE_REPLACE, window, state_, XCB_ATOM_ATOM, 32, 1,
                      &full_screen_);
  Resize(window, screen_->width_in_pixels, screen_->height_in_pixels);
}

bool WindowManager::Grant(bool full) const {
  return WaitUntil([&] {
    const auto event = Own(xcb_poll_for_event(connection_));
    if (event == nullptr || (event->response_type & 0x7f) != XCB_CLIENT_MESSAGE) return false;
    const auto& message = reinterpret_cast<const xcb_client_message_event_t&>(*event);
    if (message.type != state_ || message.data.data32[0] != (full ? 1 : 0) ||
        message.data.data32[1] != full_screen_) {
      return false;
    }
    full ? Fill(message.window) : Shrink(message.window);
    return true;
  });
}

void WindowManager::Shrink(xcb_window_t window) const {
  xcb_delete_property(connection_, window, state_);
  Resize(window, kOrdinaryWidth, kOrdinaryHeight);
}

void WindowManager::Resize(xcb_window_t window, uint32_t width, uint32_t height) const {
  const std::array<uint32_t, 2> values = {width, height};
  xcb_configure_window(connection_, window, XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT,
                       values.data());
  xcb_flush(connection_);
}

xcb_atom_t WindowManager::Atom(const std::string& name) const {
  const auto atom = Own(xcb_intern_atom_reply(
      connection_, xcb_intern_atom(connection_, 0, static_cast<uint16_t>(name.size()), name.data()),
      nullptr));
  if (atom == nullptr) throw std::runtime_error("the X server has gone away");
  return atom->atom;
}

}  // namespace grabfs::mount_test
