// SPDX-License-Identifier: Apache-2.0
//
// One window: its size, its title, and what a user does to it.
#pragma once

#include <xcb/xcb.h>
#include <xcb/xcb_keysyms.h>

#include <memory>
#include <optional>
#include <string>

#include "cli/view/reply.h"
#include "cli/view/x_server.h"

namespace grabfs::view {

enum class Command { kQuit, kPause, kStep, kSave, kZoomIn, kZoomOut, kZoomReset, kRedraw };

class Window {
 public:
  // Appears at once. Throws Error.
  Window(const XServer& server, uint32_t width, uint32_t height);
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  [[nodiscard]] xcb_window_t id() const { return id_; }
  void Resize(uint32_t width, uint32_t height) const;
  void SetTitle(const std::string& title) const;

  // What the user wants next; nullopt when nothing is waiting. Throws Error(ECONNRESET) when the X
  // server has gone away.
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
  xcb_atom_t close_;  // the window manager's wish
  std::unique_ptr<xcb_key_symbols_t, FreeSymbols> symbols_;
};

// The keys, for help texts.
std::string KeyHelp();

}  // namespace grabfs::view
