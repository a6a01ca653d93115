// SPDX-License-Identifier: Apache-2.0
//
// Names and settings follow a device through all its nodes.
#include "fusefs/main/known_devices.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

class KnownDevicesTest : public testing::Test {
 protected:
  KnownDevices Make(const std::vector<std::string>& devices, bool all) {
    std::vector<DeviceOption> options;
    for (const std::string& device : devices) options.push_back(ParseDeviceOption(device));
    return KnownDevices("grabdma", options, all, [this](const std::string& node) {
      const auto found = buses_.find(node);
      if (found == buses_.end()) throw Error(ENOENT, node + ": no such device");
      return NodeIdentity{.place = found->second, .serial = serials_[node]};
    });
  }
  std::optional<DeviceOption> OptionIn(KnownDevices& known, const std::string& node) {
    return known.OptionFor(node,
                           [this](const std::string& name) { return present_.contains(name); });
  }
  std::string NameIn(KnownDevices& known, const std::string& node) {
    const auto option = OptionIn(known, node);
    return option ? option->config.name : "";
  }
  void Plug(const std::string& node, const std::string& place, const std::string& serial) {
    buses_[node] = place;
    serials_[node] = serial;
  }

  std::map<std::string, std::string> buses_ = {{"/dev/grabdma0", "slot-a"},
                                               {"/dev/grabdma1", "slot-b"}};
  std::map<std::string, std::string> serials_;  // by node, too
  std::set<std::string> present_;
};

TEST_F(KnownDevicesTest, DevicesAreNamedAfterTheirNodes) {
  KnownDevices known = Make({}, true);
  EXPECT_EQ(NameIn(known, "/dev/grabdma0"), "grab0");
  EXPECT_EQ(NameIn(known, "/dev/grabdma1"), "grab1");
  const auto option = OptionIn(known, "/dev/grabdma1");
  ASSERT_TRUE(option);
  EXPECT_EQ(option->source.kind, "grabdma");
  EXPECT_EQ(option->source.argument, "/dev/grabdma1");
}

TEST_F(KnownDevicesTest, ADeviceThatComesBackKeepsItsName) {
  KnownDevices known = Make({}, true);
  EXPECT_EQ(NameIn(known, "/dev/grabdma0"), "grab0");
  buses_["/dev/grabdma5"] = "slot-a";
  EXPECT_EQ(NameIn(known, "/dev/grabdma5"), "grab0");
  EXPECT_EQ(OptionIn(known, "/dev/grabdma5")->source.argument, "/dev/grabdma5");
}

TEST_F(KnownDevicesTest, ANewDeviceDoesNotTakeTheNameOfAnAbsentOne) {
  KnownDevices known = Make({}, true);
  EXPECT_EQ(NameIn(known, "/dev/grabdma0"), "grab0");
  buses_["/dev/grabdma0"] = "slot-c";
  EXPECT_EQ(NameIn(known, "/dev/grabdma0"), "grab1");
  EXPECT_EQ(NameIn(known, "/dev/grabdma1"), "grab2");
}

TEST_F(KnownDevicesTest, NamedDevicesComeBackWithTheirSettings) {
  KnownDevices known = Make({"cam=grabdma:/dev/grabdma1,width=64,buffers=3", "sim=pattern"}, false);
  buses_.erase("/dev/grabdma1");
  buses_["/dev/grabdma9"] = "slot-b";
  const auto option = OptionIn(known, "/dev/grabdma9");
  ASSERT_TRUE(option);
  EXPECT_EQ(option->config.name, "cam");
  EXPECT_EQ(option->config.buffers, 3u);
  EXPECT_EQ(option->source.argument, "/dev/grabdma9");
  EXPECT_EQ(option->source.options.at("width"), "64");
}

TEST_F(KnownDevicesTest, ADeviceIsKnownByItsSerialNumberInAnotherPlace) {
  Plug("/dev/grabdma0", "slot-a", "123");
  KnownDevices known = Make({"cam=grabdma:/dev/grabdma0"}, false);
  Plug("/dev/grabdma2", "slot-c", "123");
  EXPECT_EQ(NameIn(known, "/dev/grabdma2"), "cam");
  Plug("/dev/grabdma0", "slot-a", "456");
  EXPECT_EQ(NameIn(known, "/dev/grabdma0"), "") << "its old place is anybody's now";
}

TEST_F(KnownDevicesTest, AnotherDeviceInTheSamePlaceTakesOver) {
  Plug("/dev/grabdma0", "slot-a", "123");
  KnownDevices known = Make({"cam=grabdma:/dev/grabdma0"}, false);
  Plug("/dev/grabdma0", "slot-a", "456");
  EXPECT_EQ(NameIn(known, "/dev/grabdma0"), "cam");
  Plug("/dev/grabdma2", "slot-c", "123");
  EXPECT_EQ(NameIn(known, "/dev/grabdma2"), "cam") << "the first is not forgotten";
}

TEST_F(KnownDevicesTest, OfDevicesWithOneSerialNumberItIsTheMissingOne) {
  Plug("/dev/grabdma0", "slot-a", "000");
  Plug("/dev/grabdma1", "slot-b", "000");
  KnownDevices known = Make({"left=grabdma:/dev/grabdma0", "right=grabdma:/dev/grabdma1"}, false);
  present_ = {"left"};
  EXPECT_EQ(NameIn(known, "/dev/grabdma0"), "left");
  Plug("/dev/grabdma1", "slot-c", "000");
  EXPECT_EQ(NameIn(known, "/dev/grabdma1"), "right");
}

TEST_F(KnownDevicesTest, ADeviceThatIsQuickerThanItsFarewellIsWaitedFor) {
  Plug("/dev/grabdma0", "slot-a", "123");
  KnownDevices known = Make({"cam=grabdma:/dev/grabdma0"}, false);
  present_ = {"cam"};
  Plug("/dev/grabdma2", "slot-c", "123");
  EXPECT_EQ(NameIn(known, "/dev/grabdma2"), "cam");
}

TEST_F(KnownDevicesTest, OthersAreNotWantedBesideNamedDevices) {
  KnownDevices known = Make({"cam=grabdma:/dev/grabdma1"}, false);
  EXPECT_TRUE(known.expects_devices());
  EXPECT_EQ(NameIn(known, "/dev/grabdma0"), "");
}

TEST_F(KnownDevicesTest, WithoutGrabdmaDevicesNobodyIsExpected) {
  EXPECT_FALSE(Make({"sim=pattern"}, false).expects_devices());
  EXPECT_TRUE(Make({}, true).expects_devices());
}

TEST_F(KnownDevicesTest, EachKindHasARosterOfItsOwn) {
  const std::vector<DeviceOption> options = {ParseDeviceOption("cam=v4l2:/dev/video0"),
                                             ParseDeviceOption("grab=grabdma:/dev/grabdma0")};
  KnownDevices cameras("v4l2", options, false, [](const std::string& node) {
    return NodeIdentity{.place = node, .serial = {}};
  });
  EXPECT_EQ(NameIn(cameras, "/dev/video0"), "cam");
  EXPECT_EQ(NameIn(cameras, "/dev/grabdma0"), "");
}

TEST_F(KnownDevicesTest, ANamedDeviceThatIsAbsentIsAnError) {
  EXPECT_THROW(Make({"cam=grabdma:/dev/grabdma3"}, false), Error);
}

}  // namespace
}  // namespace grabfs
