// SPDX-License-Identifier: Apache-2.0
//
// What a call that may throw is refused with.
#pragma once

#include <functional>

#include "fusefs/base/error.h"

namespace grabfs::alloc {

// The errno value; 0 when it is not refused.
inline int ErrorOf(const std::function<void()>& action) {
  try {
    action();
    return 0;
  } catch (const Error& error) {
    return error.code();
  }
}

}  // namespace grabfs::alloc
