// SPDX-License-Identifier: Apache-2.0
#include "cli/base/exit_code.h"

namespace grabfs::cli {

void RequireNoTerminal(const Context& context) {
  if (!context.out_is_terminal) return;
  throw UsageError("frames are no text for a terminal: send them to a file or a program ('| ...')");
}

bool DaemonIsGone(const Error& error) {
  return error.code() == ENOTCONN || error.code() == ECONNABORTED;
}

ExitCode ExitCodeOf(const Error& error) {
  if (dynamic_cast<const UsageError*>(&error) != nullptr) return ExitCode::kUsage;
  if (DaemonIsGone(error)) return ExitCode::kNoDevice;
  switch (error.code()) {
    case ENODEV:
      return ExitCode::kNoDevice;
    case ETIMEDOUT:
      return ExitCode::kTimeout;
    default:
      return ExitCode::kFailed;
  }
}

}  // namespace grabfs::cli
