// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace grabfs {

// Unmounts lazily (MNT_DETACH), so also a mount that is in use: by umount2(2) as root, else by the
// setuid helper fusermount3. False: this user may not.
bool DetachMount(const std::string& mountpoint);

}  // namespace grabfs
