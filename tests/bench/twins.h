// SPDX-License-Identifier: Apache-2.0
//
// The same files on both sides: frames of a device, and their copies on the plain tmpfs.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/benchmark.h"
#include "tests/mount/support/device.h"

namespace grabfs::bench {

struct Twins {
  std::vector<std::string> frames;
  std::vector<std::string> copies;
};

// Captures `count` frames and copies them.
Twins CaptureTwins(const Context& context, const mount_test::Device& device, unsigned count);

// Removes everything in a directory of the scratch space.
void EmptyDirectory(const std::string& directory);

}  // namespace grabfs::bench
