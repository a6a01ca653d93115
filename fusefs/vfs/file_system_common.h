// SPDX-License-Identifier: Apache-2.0
//
// What the source files of FileSystem share.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>

#include "fusefs/base/error.h"
#include "fusefs/vfs/device_node.h"
#include "fusefs/vfs/inode.h"

namespace grabfs {

// What never changes, or is withdrawn by Kernel::Forget...() when it does, may be kept for good.
inline constexpr double kForever = 86400.0;
inline constexpr double kNotAtAll = 0.0;

[[noreturn]] inline void ThrowNoSuchName(const std::string& name) {
  throw Error(ENOENT, name + ": no such file");
}

[[noreturn]] inline void ThrowStale() {
  throw Error(ESTALE, "the frame or buffer has been replaced");
}

constexpr Inode Of(const DeviceNode& node, NodeKind kind, uint64_t index = 0) {
  return {node.number, kind, index};
}

}  // namespace grabfs
