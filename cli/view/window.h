// SPDX-License-Identifier: Apache-2.0
//
// One X window: its size, its title, and the user's input.
#pragma once

#include <xcb/xcb.h>
#include <xcb/xcb_keysyms.h>

#include <memory>
#include <optional>
#include <string>

#include "cli/view/reply.h"
#include "cli/view/x_server.h"

namespace grabfs::view {

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
  kRedraw,
};

class Window {
 public:
  // Maps the window. Throws Error.
  Window(const XServer& server, uint32_t width, uint32_t height);
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  [[nodiscard]] xcb_window_t id() const { return id_; }
  void Resize(uint32_t width, uint32_t height) const;
  void SetTitle(const std::string& title) const;
  // Makes it black.
  void Clear() const;

  // The user's next command; nullopt: there is none now. Throws Error(ECONNRESET) if the X server
  // is gone.
  [[nodiscard]] std::optional<Command> NextCommand() const;

 private:
  struct FreeSymbols {
    void operator()(xcb_key_symbols_t* symbols) const { xcb_key_symbols_free(symbols); }
  };

  [[nodiscard]] std::optional<Command> Understand(const xcb_generic_event_t& event) const;
  [[nodiscard]] std::optional<Command> OfKey(const xcb_key_press_event_t& key) const;
  [[nodiscard]] xcb_atom_t Atom(const std::string& name) const;

  const XServer& server_;
  xcb_window_t id_;
  xcb_atom_t close_;  // WM_DELETE_WINDOW
  std::unique_ptr<xcb_key_symbols_t, FreeSymbols> symbols_;
};

// The keys, for help texts.
std::string KeyHelp();

}  // namespace grabfs::view
