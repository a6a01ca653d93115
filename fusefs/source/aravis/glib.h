// SPDX-License-Identifier: Apache-2.0
//
// GLib's objects and errors as C++ has them: owned, and thrown.
#pragma once

#include <arv.h>

#include <csignal>
#include <memory>
#include <string>

#include "fusefs/base/error.h"

namespace grabfs {

struct GUnref {
  void operator()(gpointer object) const noexcept { g_object_unref(object); }
};
template <typename T>
using GOwned = std::unique_ptr<T, GUnref>;

struct GFree {
  void operator()(gpointer memory) const noexcept { g_free(memory); }
};
template <typename T>
using GArray = std::unique_ptr<T, GFree>;

// Takes the GError of one call: `Get(..., error); error.Check("what was tried");`
class GErrorSlot {
 public:
  GErrorSlot() = default;
  ~GErrorSlot() { g_clear_error(&error_); }
  GErrorSlot(const GErrorSlot&) = delete;
  GErrorSlot& operator=(const GErrorSlot&) = delete;

  operator GError**() {  // NOLINT(google-explicit-constructor): it is what calls take
    g_clear_error(&error_);
    return &error_;
  }
  [[nodiscard]] bool failed() const { return error_ != nullptr; }
  // The text for people; "" without an error.
  [[nodiscard]] std::string text() const { return failed() ? error_->message : ""; }
  // EIO for what is no better known.
  [[nodiscard]] int code() const;
  // Throws Error with "WHAT: text" if there is an error.
  void Check(const std::string& what) const {
    if (failed()) throw Error(code(), what + ": " + text());
  }

 private:
  GError* error_ = nullptr;
};

// While it exists, threads that begin have all signals blocked, as the daemon's own have: signals
// of the process are for one thread of the daemon.
class WithoutSignals {
 public:
  WithoutSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~WithoutSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  WithoutSignals(const WithoutSignals&) = delete;
  WithoutSignals& operator=(const WithoutSignals&) = delete;

 private:
  sigset_t before_;
};

// A text that may be missing.
inline std::string TextOf(const char* text) { return text == nullptr ? "" : text; }

}  // namespace grabfs
