// SPDX-License-Identifier: Apache-2.0
//
// The exit statuses of grabfs-cli, which scripts rely on, and the errors that have a status of
// their own.
#pragma once

#include <cerrno>
#include <string>

#include "cli/base/context.h"
#include "fusefs/base/error.h"

namespace grabfs::cli {

enum class ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,     // the command line is wrong
  kNoDevice = 3,  // no such device or mount, or its daemon is gone
  kTimeout = 4,
  kDropped = 5,  // frames were lost, and --no-drop or --lossless was asked
};

// The command line is wrong.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message) : Error(EINVAL, message) {}
};

// The named (or only) device or mount does not exist.
class NoDeviceError : public Error {
 public:
  explicit NoDeviceError(const std::string& message) : Error(ENODEV, message) {}
};

// Nothing happened within the given time.
class TimeoutError : public Error {
 public:
  explicit TimeoutError(const std::string& message) : Error(ETIMEDOUT, message) {}
};

// Pixels are no text. Throws UsageError if standard output is a terminal.
void RequireNoTerminal(const Context& context);

// Whether this errno says that the daemon of the mount is gone: ENOTCONN for new requests,
// ECONNABORTED for requests under way.
bool DaemonIsGone(const Error& error);

// The status with which the program ends because of `error`.
ExitCode ExitCodeOf(const Error& error);

}  // namespace grabfs::cli
