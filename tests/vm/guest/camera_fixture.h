// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests with cameras: one of them mounted as cam0.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/mount/support/fixture.h"
#include "tests/vm/guest/device.h"

namespace grabfs::vm {

class CameraTest : public mount_test::EnvironmentTest {
 protected:
  static constexpr unsigned kBuffers = 8;

  // Mounts a node, instead of what is mounted now; `keys` of the source begin with a comma.
  void MountCamera(const std::string& node, const std::string& keys) {
    mount_.reset();
    mount_.emplace(mount_test::MountSpec{
        {"cam0=v4l2:" + node + ",buffers=" + std::to_string(kBuffers) + keys}, {}});
  }

  [[nodiscard]] mount_test::Device device() const { return mount_->GetDevice("cam0"); }
  [[nodiscard]] std::string Setting(const std::string& name) const {
    return device().Status().at("settings").at(name);
  }
  [[nodiscard]] uint64_t Counter(const std::string& name) const {
    return device().Status().at("counters").at(name);
  }
  // So that whatever is in them later has come from the camera.
  void SpoilBuffers() const {
    const std::vector<std::byte> junk(std::stoul(device().Get("bytes")), std::byte{0xa5});
    for (unsigned index = 0; index < kBuffers; ++index) {
      const UniqueFd buffer = mount_test::Open(device().Buffer(index), O_RDWR);
      ASSERT_EQ(pwrite(buffer.get(), junk.data(), junk.size(), 0),
                static_cast<ssize_t>(junk.size()));
    }
  }
  // Waits for `count` more frames, whatever became of them.
  void AwaitFrames(uint64_t count) const {
    const uint64_t until = device().NextSequence() + count;
    WaitUntil("frames", [&] { return device().NextSequence() >= until; });
  }
  void ExpectClosedBooks() const {
    const auto books = device().Status().at("counters");
    const auto of = [&](const char* name) { return books.at(name).get<uint64_t>(); };
    EXPECT_EQ(of("captured"),
              of("delivered") + of("recycled") + of("dropped") + of("failed") + of("present"))
        << books.dump();
  }

  std::optional<mount_test::Mount> mount_;
};

}  // namespace grabfs::vm
