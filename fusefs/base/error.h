// SPDX-License-Identifier: Apache-2.0
//
// The one way in which grabfs reports failure: an exception that carries an errno value and one
// line that says what was tried, on what, and what to do. The FUSE edge maps it to a reply, main()
// to an exit status; nothing in between needs to look inside.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>

namespace grabfs {

class Error : public std::runtime_error {
 public:
  // `code` is a positive errno value; `message` is complete, without strerror text.
  Error(int code, const std::string& message) : std::runtime_error(message), code_(code) {}

  [[nodiscard]] int code() const noexcept { return code_; }

 private:
  int code_;
};

// Throws Error(errno, "<what>: <strerror>"). Call it directly after the failed system call.
[[noreturn]] void ThrowErrno(const std::string& what);

// Returns `result` unless it is negative, in which case it throws as ThrowErrno() does.
template <typename T>
T CheckSyscall(T result, const std::string& what) {
  if (result < 0) ThrowErrno(what);
  return result;
}

// Turns any exception into an Error; no other place does. std::bad_alloc becomes ENOMEM, an unknown
// exception EIO with the text "internal error".
Error ErrorFrom(const std::exception_ptr& failure);

// The text of an errno value, thread-safe.
std::string ErrnoText(int code);

}  // namespace grabfs
