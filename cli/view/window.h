// SPDX-License-Identifier: Apache-2.0
//
// One X window: its size, full screen or not, its title, and the user's input.
#pragma once

#include <xcb/xcb.h>
#include <xcb/xcb_keysyms.h>

#include <memory>
#include <optional>
#include <string>

#include "cli/view/area.h"
#include "cli/view/reply.h"
#include "cli/view/x_server.h"

namespace grabfs::view {

// In pixels.
struct Drag {
  int right = 0;
  int down = 0;
};

enum class Command {
  kQuit,
  kStartStop,
  kPause,
  kStep,
  kSave,
  kZoomIn,
  kZoomOut,
  kZoomReset,
  kText,
  kFullScreen,
  kEscape,
  kDrag,  // see TakeDrag()
  kAutoLevels,
  kResetLevels,
  kHistogram,
  kClipping,
  kFocus,
  kRedraw,
  kFullScreenChanged,  // by the window manager
};

class Window {
 public:
  // Maps the window. Throws Error.
  Window(const XServer& server, Size size, bool full_screen);
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  [[nodiscard]] xcb_window_t id() const { return id_; }
  [[nodiscard]] Size size() const { return size_; }
  [[nodiscard]] bool full_screen() const { return full_screen_; }
  // Does nothing while it fills the screen.
  void Resize(Size size) const;
  // Asks the window manager to let it fill the screen, or to end that. Throws Error(ENOSYS) if
  // there is none that can.
  void SetFullScreen(bool full) const;
  void SetTitle(const std::string& title) const;
  // Makes it black.
  void Clear() const;

  // The user's next command; nullopt: there is none now. Throws Error(ECONNRESET) if the X server
  // is gone.
  [[nodiscard]] std::optional<Command> NextCommand();
  // How far the mouse was dragged since the last call.
  Drag TakeDrag();

 private:
  struct FreeSymbols {
    void operator()(xcb_key_symbols_t* symbols) const { xcb_key_symbols_free(symbols); }
  };

  [[nodiscard]] std::optional<Command> Understand(const xcb_generic_event_t& event);
  [[nodiscard]] std::optional<Command> OfKey(const xcb_key_press_event_t& key) const;
  // Does a property of a window, which is a list of atoms, contain this one?
  [[nodiscard]] bool Lists(xcb_window_t window, xcb_atom_t property, xcb_atom_t atom) const;
  [[nodiscard]] xcb_atom_t Atom(const std::string& name) const;

  const XServer& server_;
  xcb_window_t id_;
  xcb_atom_t close_;              // WM_DELETE_WINDOW
  xcb_atom_t state_;              // _NET_WM_STATE
  xcb_atom_t full_screen_state_;  // one of its values
  Size size_;
  bool full_screen_ = false;
  Drag mouse_;  // where it is, in the window
  Drag drag_;   // not yet taken
  std::unique_ptr<xcb_key_symbols_t, FreeSymbols> symbols_;
};

// The keys, for help texts.
std::string KeyHelp();

}  // namespace grabfs::view
