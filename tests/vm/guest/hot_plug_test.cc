// SPDX-License-Identifier: Apache-2.0
//
// grabfs without --device: every adapter appears by itself, goes when its device is pulled out (but
// not under a reader) and comes back with it. On the edu device, which the harness plugs and
// unplugs.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>

#include "tests/mount/support/fixture.h"
#include "tests/vm/guest/device.h"
#include "tests/vm/guest/environment.h"
#include "tests/vm/guest/session.h"

namespace grabfs::vm {
namespace {

using mount_test::MapAndClose;

class HotPlugTest : public mount_test::EnvironmentTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    WaitForAdapter();
    board_.emplace(AdapterPath());
    mount_.emplace(mount_test::MountSpec{});
  }

  // The name of the device on VM_ADAPTER's adapter, while there is one.
  [[nodiscard]] std::optional<std::string> FindDevice() const {
    const auto status = mount_->Status();
    for (const auto& device : status.at("devices")) {
      const auto& settings = device.at("settings");
      if (settings.contains("adapter") && settings.at("adapter") == AdapterName()) {
        return device.at("name").get<std::string>();
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] mount_test::Device TheDevice() const { return mount_->GetDevice(*FindDevice()); }

  void WaitForDevice() const {
    WaitUntil("the device in the mount", [this] { return FindDevice().has_value(); });
  }

  std::optional<Device> board_;
  std::optional<mount_test::Mount> mount_;
};

TEST_F(HotPlugTest, EveryAdapterAppearsByItself) {
  EXPECT_EQ(mount_->Status().at("devices").size(), FindAdapters().size());
  EXPECT_TRUE(FindDevice().has_value());
}

TEST_F(HotPlugTest, AFrameOutlivesItsBoardAndTheBoardComesBack) {
  const mount_test::Device device = TheDevice();
  const std::string frame = device.Frame(device.Capture(1));
  const auto before = mount_test::ReadFile(frame);
  {
    const UniqueFd open = mount_test::Open(frame, O_RDONLY);
    const auto mapping = MapAndClose(frame);

    board_->Unplug();
    EXPECT_EQ(mount_test::ReadAll(open.get()), before);
    EXPECT_TRUE(std::equal(before.begin(), before.end(), mapping.bytes().begin()));
    WaitUntil("captures to be refused", [&] { return device.TrySet("trigger", "1") == ENODEV; });
  }
  WaitUntil("the directory to go", [&] { return !mount_test::Exists(device.Path("")); });

  board_->Plug();
  WaitForDevice();
  EXPECT_EQ(TheDevice().Capture(1), 0U) << "a new device counts anew";
}

TEST_F(HotPlugTest, ManyTimes) {
  constexpr int kRounds = 5;
  for (int round = 0; round < kRounds; ++round) {
    TheDevice().Set("state", "start");
    board_->Unplug();
    WaitUntil("the device to leave the mount", [this] { return !FindDevice().has_value(); });
    board_->Plug();
    WaitForDevice();
  }
  static_cast<void>(TheDevice().Capture(1));
}

}  // namespace
}  // namespace grabfs::vm
