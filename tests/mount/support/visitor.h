// SPDX-License-Identifier: Apache-2.0
//
// A process that uses a device at random, as programs do; soak tests run many of them.
#pragma once

#include "tests/mount/support/device.h"
#include "tests/mount/support/picture.h"

namespace grabfs::mount_test {

// Does some hundred operations, and returns the exit status of the process. The device must capture
// the test picture. Prints failures on standard error, with `seed`, which repeats the same choices.
int Visit(const Device& device, const Picture& picture, unsigned seed);

}  // namespace grabfs::mount_test
