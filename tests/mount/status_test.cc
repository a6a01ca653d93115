// SPDX-License-Identifier: Apache-2.0
//
// status.json: everything in one read, agreeing with the files it sums up.
#include <unistd.h>

#include <cerrno>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

using StatusTest = MountTest;

TEST_F(StatusTest, TheMountTellsWhatItIs) {
  const nlohmann::json status = mount().Status();
  EXPECT_FALSE(status.at("version").get<std::string>().empty());
  EXPECT_FALSE(status.at("kernel").get<std::string>().empty());
  EXPECT_EQ(status.at("pid"), mount().daemon().pid());
  EXPECT_EQ(status.at("mountpoint"), mount().path());
  EXPECT_EQ(status.at("data_path"), DataPathName(ActiveDataPath()));
  EXPECT_FALSE(status.at("data_path_reason").get<std::string>().empty());
  ASSERT_EQ(status.at("devices").size(), 1U);
  EXPECT_EQ(status.at("devices")[0].at("name"), "sim0");
}

TEST_F(StatusTest, ADeviceTellsWhatItsAttributesTell) {
  const nlohmann::json status = device().Status();
  EXPECT_EQ(status.at("name"), "sim0");
  EXPECT_EQ(status.at("last_error"), "");
  for (const char* name : {"source", "state", "policy", "format", "rate"}) {
    EXPECT_EQ(status.at(name), device().Get(name)) << name;
  }
  for (const char* name : {"width", "height", "stride", "bytes", "trigger"}) {
    EXPECT_EQ(status.at(name).dump(), device().Get(name)) << name;
  }
  EXPECT_EQ(status.at("buffers").at("count").dump(), device().Get("buffers_count"));
  EXPECT_EQ(status.at("memory").at("bytes"), kBuffers * picture_.bytes());
  EXPECT_EQ(status.at("data_path"), DataPathName(ActiveDataPath()));
  EXPECT_TRUE(status.at("settings").is_object());
}

TEST_F(StatusTest, AnErrorHasATimeAndGoesWithTheNextSuccess) {
  EXPECT_EQ(device().Status().at("last_error_realtime_ns"), 0);
  EXPECT_EQ(device().TrySet("width", "0"), EINVAL);
  const nlohmann::json first = device().Status();
  EXPECT_NE(first.at("last_error"), "");
  EXPECT_EQ(device().TrySet("width", "0"), EINVAL);
  EXPECT_GT(device().Status().at("last_error_realtime_ns"), first.at("last_error_realtime_ns"));
  device().Set("rate", "5");
  EXPECT_EQ(device().Status().at("last_error"), "");
  EXPECT_EQ(device().Status().at("last_error_realtime_ns"), 0);
}

TEST_F(StatusTest, TheRootHasTheSameOfEachDevice) {
  device().Capture(2);
  EXPECT_EQ(mount().Status().at("devices")[0], device().Status());
}

TEST_F(StatusTest, SequenceNumbersAreNullWithoutAFrame) {
  nlohmann::json sequence = device().Status().at("sequence");
  EXPECT_EQ(sequence.at("next"), 0);
  EXPECT_TRUE(sequence.at("oldest").is_null());
  EXPECT_TRUE(sequence.at("newest").is_null());
  device().Capture(3);
  sequence = device().Status().at("sequence");
  EXPECT_EQ(sequence.at("next"), 3);
  EXPECT_EQ(sequence.at("oldest"), device().Frames().front());
  EXPECT_EQ(sequence.at("newest"), device().Frames().back());
}

TEST_F(StatusTest, BuffersAddUp) {
  device().Capture(2);
  const UniqueFd fd = Open(device().latest(), O_RDONLY);
  const nlohmann::json buffers = device().Status().at("buffers");
  EXPECT_EQ(buffers.at("ready"), 2);
  EXPECT_EQ(buffers.at("held"), 1);
  EXPECT_EQ(buffers.at("free").get<unsigned>() + buffers.at("filling").get<unsigned>() +
                buffers.at("ready").get<unsigned>(),
            kBuffers);
}

TEST_F(StatusTest, TheBooksCloseAtEveryMoment) {
  device().Set("state", "start");
  for (int i = 0; i < 300; i++) {
    if (i % 3 == 0) OpenError(device().latest(), O_RDONLY);
    const nlohmann::json status = device().Status();
    uint64_t sum = 0;
    for (const char* name : {"delivered", "recycled", "dropped", "failed", "present"}) {
      sum += status.at("counters").at(name).get<uint64_t>();
    }
    ASSERT_EQ(status.at("counters").at("captured"), sum) << status.dump();
  }
}

TEST_F(StatusTest, ItIsReadOnly) {
  EXPECT_EQ(Stat(device().Path("status.json")).st_mode & 0777, 0444U);
  const UniqueFd fd(::open(device().Path("status.json").c_str(), O_WRONLY | O_CLOEXEC));
  EXPECT_TRUE(!fd.valid() || ::write(fd.get(), "{}", 2) < 0);
}

TEST_F(StatusTest, OneOpenIsOneMomentHoweverSlowlyItIsRead) {
  device().Set("state", "start");
  const UniqueFd fd = Open(device().Path("status.json"), O_RDONLY);
  std::string text;
  char byte = 0;
  while (::read(fd.get(), &byte, 1) == 1) text += byte;
  EXPECT_TRUE(nlohmann::json::accept(text)) << text;
}

TEST_F(StatusTest, DevicesAreIndependent) {
  Start({{"one=pattern,format=GREY,width=64,height=64,rate=0,buffers=2,state=stopped",
          "two=pattern,format=BGR4,width=32,height=16,rate=7,buffers=3,state=stopped"},
         {}});
  const Device one = mount().GetDevice("one");
  const Device two = mount().GetDevice("two");
  one.Capture(5);
  EXPECT_EQ(two.NextSequence(), 0U);
  EXPECT_EQ(two.Get("format"), "BGR4");
  EXPECT_EQ(two.Get("rate"), "7");
  EXPECT_EQ(List(two.Path("buffers")).size(), 3U);
  EXPECT_EQ(one.TrySet("width", "17"), EINVAL);
  EXPECT_EQ(two.LastError(), "");
  EXPECT_EQ(mount().Status().at("devices").size(), 2U);
}

}  // namespace
}  // namespace grabfs::mount_test
