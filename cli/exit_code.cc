// SPDX-License-Identifier: Apache-2.0
#include "cli/exit_code.h"

namespace grabfs::cli {

ExitCode ExitCodeOf(const Error& error) {
  if (dynamic_cast<const UsageError*>(&error) != nullptr) return ExitCode::kUsage;
  switch (error.code()) {
    case ENODEV:
    case ENOTCONN:
      return ExitCode::kNoDevice;
    case ETIMEDOUT:
      return ExitCode::kTimeout;
    default:
      return ExitCode::kFailed;
  }
}

}  // namespace grabfs::cli
