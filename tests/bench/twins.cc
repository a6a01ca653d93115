// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/twins.h"

#include <filesystem>
#include <stdexcept>

#include "tests/mount/support/file.h"

namespace grabfs::bench {

Twins CaptureTwins(const Context& context, const mount_test::Device& device, unsigned count) {
  EmptyDirectory(context.scratch.tmpfs());
  device.Capture(count);
  Twins twins;
  for (const uint64_t sequence : device.Frames()) {
    const std::filesystem::path frame = device.Frame(sequence);
    const std::string copy = context.scratch.tmpfs() / frame.filename();
    mount_test::CreateFile(copy, mount_test::ReadFile(frame));
    twins.frames.push_back(frame);
    twins.copies.push_back(copy);
  }
  if (twins.frames.size() < count) throw std::runtime_error("the device dropped frames");
  return twins;
}

void EmptyDirectory(const std::string& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::filesystem::remove_all(entry.path());
  }
}

}  // namespace grabfs::bench
