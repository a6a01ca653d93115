// SPDX-License-Identifier: Apache-2.0
//
// What the tests of libgrabfs have in common: a device of the mount that is opened, and its frames.
#pragma once

#include <poll.h>

#include <span>

#include "grabfs/grabfs.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {

inline constexpr int64_t kLong = 30'000'000'000;
inline constexpr int64_t kShort = 20'000'000;

class LibgrabfsTest : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (!IsSkipped()) Open();
  }
  void TearDown() override { Close(); }

  void Open() {
    Close();
    ASSERT_EQ(grabfs_open(mount().Path("sim0").c_str(), &camera_), 0) << grabfs_reason();
  }
  void Close() {
    grabfs_close(camera_);
    camera_ = nullptr;
  }

  [[nodiscard]] static bool HasRing() { return ActiveDataPath() == DataPath::kPassthrough; }
  static std::span<const std::byte> Pixels(const grabfs_frame* frame) {
    return {static_cast<const std::byte*>(frame->data), frame->bytes};
  }
  [[nodiscard]] bool IsFrame(const grabfs_frame* frame, uint64_t sequence) const {
    return frame != nullptr && frame->sequence == sequence &&
           picture_.IsFrame(Pixels(frame), sequence);
  }

  [[nodiscard]] bool IsReadable() const {
    pollfd readable = {.fd = grabfs_fd(camera_), .events = POLLIN, .revents = 0};
    return ::poll(&readable, 1, 0) == 1;
  }

  grabfs_device* camera_ = nullptr;
  const grabfs_frame* frame_ = nullptr;
};

}  // namespace grabfs::mount_test
