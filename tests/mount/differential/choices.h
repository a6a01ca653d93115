// SPDX-License-Identifier: Apache-2.0
//
// Choices of operations that are ours, not the kernel's.
#pragma once

#include <cstdint>

namespace grabfs::differential {

// The call that copies from file to file.
enum class CopyCall : int64_t { kCopyFileRange, kSendFile, kSplice };

// How a whole file is looked at.
enum class Look : int64_t { kRead, kDirect, kMap };

}  // namespace grabfs::differential
