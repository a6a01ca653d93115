// SPDX-License-Identifier: Apache-2.0
//
// How many descriptors this process may have.
#pragma once

namespace grabfs {

// Raises RLIMIT_NOFILE to its hard limit, for programs that hold many frames or buffers.
void RaiseFileLimit();

}  // namespace grabfs
