// SPDX-License-Identifier: Apache-2.0
//
// Names and settings follow a device through all its nodes.
#include "fusefs/main/roster.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <string>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

class RosterTest : public testing::Test {
 protected:
  Roster Make(const std::vector<std::string>& devices, bool all) {
    std::vector<DeviceOption> options;
    for (const std::string& device : devices) options.push_back(ParseDeviceOption(device));
    return Roster("grabdma", options, all, [this](const std::string& node) {
      const auto found = buses_.find(node);
      if (found == buses_.end()) throw Error(ENOENT, node + ": no such device");
      return found->second;
    });
  }
  static std::string NameIn(Roster& roster, const std::string& node) {
    const auto option = roster.OptionFor(node);
    return option ? option->config.name : "";
  }

  std::map<std::string, std::string> buses_ = {{"/dev/grabdma0", "slot-a"},
                                               {"/dev/grabdma1", "slot-b"}};
};

TEST_F(RosterTest, DevicesAreNamedAfterTheirNodes) {
  Roster roster = Make({}, true);
  EXPECT_EQ(NameIn(roster, "/dev/grabdma0"), "grab0");
  EXPECT_EQ(NameIn(roster, "/dev/grabdma1"), "grab1");
  const auto option = roster.OptionFor("/dev/grabdma1");
  ASSERT_TRUE(option);
  EXPECT_EQ(option->source.kind, "grabdma");
  EXPECT_EQ(option->source.argument, "/dev/grabdma1");
}

TEST_F(RosterTest, ADeviceThatComesBackKeepsItsName) {
  Roster roster = Make({}, true);
  EXPECT_EQ(NameIn(roster, "/dev/grabdma0"), "grab0");
  buses_["/dev/grabdma5"] = "slot-a";
  EXPECT_EQ(NameIn(roster, "/dev/grabdma5"), "grab0");
  EXPECT_EQ(roster.OptionFor("/dev/grabdma5")->source.argument, "/dev/grabdma5");
}

TEST_F(RosterTest, ANewDeviceDoesNotTakeTheNameOfAnAbsentOne) {
  Roster roster = Make({}, true);
  EXPECT_EQ(NameIn(roster, "/dev/grabdma0"), "grab0");
  buses_["/dev/grabdma0"] = "slot-c";
  EXPECT_EQ(NameIn(roster, "/dev/grabdma0"), "grab1");
  EXPECT_EQ(NameIn(roster, "/dev/grabdma1"), "grab2");
}

TEST_F(RosterTest, NamedDevicesComeBackWithTheirSettings) {
  Roster roster = Make({"cam=grabdma:/dev/grabdma1,width=64,buffers=3", "sim=pattern"}, false);
  buses_.erase("/dev/grabdma1");
  buses_["/dev/grabdma9"] = "slot-b";
  const auto option = roster.OptionFor("/dev/grabdma9");
  ASSERT_TRUE(option);
  EXPECT_EQ(option->config.name, "cam");
  EXPECT_EQ(option->config.buffers, 3u);
  EXPECT_EQ(option->source.argument, "/dev/grabdma9");
  EXPECT_EQ(option->source.options.at("width"), "64");
}

TEST_F(RosterTest, OthersAreNotWantedBesideNamedDevices) {
  Roster roster = Make({"cam=grabdma:/dev/grabdma1"}, false);
  EXPECT_TRUE(roster.expects_devices());
  EXPECT_EQ(NameIn(roster, "/dev/grabdma0"), "");
}

TEST_F(RosterTest, WithoutGrabdmaDevicesNobodyIsExpected) {
  EXPECT_FALSE(Make({"sim=pattern"}, false).expects_devices());
  EXPECT_TRUE(Make({}, true).expects_devices());
}

TEST_F(RosterTest, EachKindHasARosterOfItsOwn) {
  const std::vector<DeviceOption> options = {ParseDeviceOption("cam=v4l2:/dev/video0"),
                                             ParseDeviceOption("grab=grabdma:/dev/grabdma0")};
  Roster cameras("v4l2", options, false, [](const std::string& node) { return node; });
  EXPECT_EQ(NameIn(cameras, "/dev/video0"), "cam");
  EXPECT_EQ(NameIn(cameras, "/dev/grabdma0"), "");
}

TEST_F(RosterTest, ANamedDeviceThatIsAbsentIsAnError) {
  EXPECT_THROW(Make({"cam=grabdma:/dev/grabdma3"}, false), Error);
}

}  // namespace
}  // namespace grabfs
