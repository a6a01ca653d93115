// SPDX-License-Identifier: Apache-2.0
//
// The fixture of most mount tests: a mount with the active data path, which is checked, and with
// the device `sim0`, which captures a small grey test picture as fast as it can.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/mount/support/device.h"
#include "tests/mount/support/environment.h"
#include "tests/mount/support/event_reader.h"
#include "tests/mount/support/file.h"
#include "tests/mount/support/mount.h"
#include "tests/mount/support/picture.h"
#include "tests/mount/support/process.h"
#include "tests/mount/support/wait.h"

namespace grabfs::mount_test {

// For tests that mount themselves.
class EnvironmentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!SkipReason().empty()) GTEST_SKIP() << SkipReason();
  }
};

// The size of a picture is no multiple of a page, so that the last page is tested, too.
inline constexpr const char* kFormat = "GREY";
inline constexpr uint32_t kWidth = 130;
inline constexpr uint32_t kHeight = 94;
inline constexpr unsigned kBuffers = 4;
inline constexpr const char* kDevice =
    "sim0=pattern,format=GREY,width=130,height=94,rate=0,buffers=4,state=stopped";

class MountTest : public EnvironmentTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (!IsSkipped()) Start({{kDevice}, {}});
  }

  // Unmounts the present mount, and mounts `spec`.
  void Start(const MountSpec& spec) {
    mount_.reset();
    mount_.emplace(spec);
    const nlohmann::json status = mount_->Status();
    ASSERT_EQ(status.at("data_path"), DataPathName(ActiveDataPath())) << status.dump();
  }

  [[nodiscard]] Mount& mount() { return *mount_; }
  [[nodiscard]] const Mount& mount() const { return *mount_; }
  [[nodiscard]] Device device() const { return mount_->GetDevice(); }

  const Picture picture_{kFormat, kWidth, kHeight};

 private:
  std::optional<Mount> mount_;
};

}  // namespace grabfs::mount_test
