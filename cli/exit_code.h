// SPDX-License-Identifier: Apache-2.0
//
// The exit statuses of grabfs-cli, which scripts rely on, and the two kinds of failure that an
// errno value alone cannot tell apart.
#pragma once

#include <cerrno>
#include <string>

#include "fusefs/base/error.h"

namespace grabfs::cli {

enum class ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,     // the command line makes no sense
  kNoDevice = 3,  // no such device or mount, or its daemon is gone
  kTimeout = 4,
  kDropped = 5,  // frames were lost and --no-drop was asked
};

// The command line cannot be carried out as written.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message) : Error(EINVAL, message) {}
};

// The device or mount that was named (or meant) is not there.
class NoDeviceError : public Error {
 public:
  explicit NoDeviceError(const std::string& message) : Error(ENODEV, message) {}
};

// Nothing happened in the time that was given.
class TimeoutError : public Error {
 public:
  explicit TimeoutError(const std::string& message) : Error(ETIMEDOUT, message) {}
};

// The daemon of the mount is gone: what was asked of it before gives another errno than what is
// asked of it now.
bool DaemonIsGone(const Error& error);

// The status with which the program ends because of `error`.
ExitCode ExitCodeOf(const Error& error);

}  // namespace grabfs::cli
