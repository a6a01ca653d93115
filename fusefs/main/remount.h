// SPDX-License-Identifier: Apache-2.0
//
// `mount -o remount`: the kernel changes a mount between ro and rw, and the like. It does not tell
// the daemon, whose options stay as they are.
#pragma once

#include <string>

namespace grabfs {

// `words`: all of -o. mount(8) adds those of /etc/fstab and of the mount itself, so options that
// the daemon has already are accepted. Throws Error(EINVAL) for others, and when nothing of grabfs
// is mounted there.
void Remount(const std::string& mountpoint, const std::string& words);

}  // namespace grabfs
