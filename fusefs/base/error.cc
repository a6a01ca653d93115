// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/error.h"

#include <cerrno>
#include <system_error>

namespace grabfs {

std::string ErrnoText(int code) { return std::generic_category().message(code); }

void ThrowErrno(const std::string& what) {
  const int code = errno;
  throw Error(code, what + ": " + ErrnoText(code));
}

}  // namespace grabfs
