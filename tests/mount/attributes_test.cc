// SPDX-License-Identifier: Apache-2.0
//
// The promise of the attributes: a file takes what it prints; what cannot be is EINVAL with the
// reason in status.json; what streaming forbids is EBUSY; nothing that is written can do harm.
#include <unistd.h>

#include <cerrno>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

class AttributesTest : public MountTest {
 protected:
  void ExpectAccepted(const std::string& attribute, const std::string& value) const {
    EXPECT_EQ(device().TrySet(attribute, value), 0)
        << attribute << " <- " << value << ": " << device().LastError();
    EXPECT_EQ(device().Get(attribute), value);
  }

  // Refused with this error, the attribute unchanged, the reason told.
  void ExpectRefused(const std::string& attribute, std::string_view text, int error) const {
    const std::string before = device().Get(attribute);
    device().Set("policy", device().Get("policy"));  // what is accepted clears the last error
    EXPECT_EQ(device().LastError(), "");
    EXPECT_EQ(WriteText(device().Path(attribute), text), error)
        << attribute << " <- " << text.substr(0, 40);
    EXPECT_EQ(device().Get(attribute), before);
    EXPECT_NE(device().LastError(), "") << attribute;
  }
};

const std::vector<std::string>& Writable() {
  static const std::vector<std::string> names = {"format",        "width",  "height", "rate",
                                                 "buffers_count", "policy", "state",  "trigger"};
  return names;
}

TEST_F(AttributesTest, EveryAttributeTakesWhatItPrints) {
  for (const std::string& name : Writable()) ExpectAccepted(name, device().Get(name));
}

// As in sysfs: Samba and nfs-ganesha truncate, and touch, what they have opened.
TEST_F(AttributesTest, AValueHasNeitherSizeNorTimes) {
  for (const std::string& name : Writable()) {
    const std::string before = device().Get(name);
    const UniqueFd fd = Open(device().Path(name), O_WRONLY);
    for (const off_t size : {0, 1, 1000}) {
      EXPECT_EQ(ErrorOf(::ftruncate(fd.get(), size)), 0) << name;
      EXPECT_EQ(ErrorOf(::truncate(device().Path(name).c_str(), size)), 0) << name;
    }
    EXPECT_EQ(ErrorOf(::futimens(fd.get(), nullptr)), 0) << name;
    EXPECT_EQ(ErrorOf(::fchmod(fd.get(), 0666)), EPERM) << name;
    EXPECT_EQ(device().Get(name), before);
    EXPECT_EQ(WriteText(device().Path(name), before), 0) << device().LastError();
  }
}

TEST_F(AttributesTest, TheyHaveTheDocumentedModes) {
  for (const std::string& name : Writable()) {
    EXPECT_EQ(Stat(device().Path(name)).st_mode & 0777, 0644U) << name;
  }
  for (const char* name : {"stride", "bytes", "source"}) {
    EXPECT_EQ(Stat(device().Path(name)).st_mode & 0777, 0444U) << name;
  }
}

TEST_F(AttributesTest, ReadOnlyOnesStayAsTheyAreEvenForRoot) {
  for (const char* name : {"stride", "bytes", "source"}) {
    const std::string before = device().Get(name);
    const UniqueFd fd(::open(device().Path(name).c_str(), O_WRONLY | O_CLOEXEC));
    EXPECT_TRUE(!fd.valid() || ::write(fd.get(), "1\n", 2) < 0) << name;
    EXPECT_EQ(device().Get(name), before);
  }
}

TEST_F(AttributesTest, TheyCanBeReadInPieces) {
  const UniqueFd fd = Open(device().Path("format"), O_RDONLY);
  char byte = 0;
  std::string text;
  while (::read(fd.get(), &byte, 1) == 1) text += byte;
  EXPECT_EQ(text, "GREY\n");
  EXPECT_EQ(::pread(fd.get(), &byte, 1, 2), 1);
  EXPECT_EQ(byte, 'E');
}

TEST_F(AttributesTest, AChangeShowsAtOnceAndInStatus) {
  ExpectAccepted("rate", "25");
  EXPECT_EQ(device().Status().at("rate"), "25");
  ExpectAccepted("policy", "keep-oldest");
  EXPECT_EQ(device().Status().at("policy"), "keep-oldest");
  ExpectAccepted("buffers_count", "7");
  EXPECT_EQ(device().Status().at("buffers").at("count"), 7);
  EXPECT_EQ(List(device().Path("buffers")).size(), 7U);
}

TEST_F(AttributesTest, TheShellsWayOfWritingWorks) {
  EXPECT_EQ(RunShell("echo 12 > " + device().Path("rate")).status, 0);
  EXPECT_EQ(device().Get("rate"), "12");
  EXPECT_EQ(RunShell("printf 13 > " + device().Path("rate")).status, 0);
  EXPECT_EQ(device().Get("rate"), "13");
  EXPECT_EQ(RunShell("echo 14 | tee " + device().Path("rate")).status, 0);
  EXPECT_EQ(device().Get("rate"), "14");
}

TEST_F(AttributesTest, RatesAreExactFractions) {
  for (const char* rate : {"0", "1", "30", "10000", "30000/1001"}) ExpectAccepted("rate", rate);
  EXPECT_EQ(device().TrySet("rate", "29.97"), 0);
  const std::string printed = device().Get("rate");
  ExpectAccepted("rate", printed);
}

TEST_F(AttributesTest, ANewFormatMeansNewPictures) {
  ExpectAccepted("format", "RGB3");
  ExpectAccepted("width", "64");
  ExpectAccepted("height", "48");
  EXPECT_EQ(device().Get("stride"), "192");
  EXPECT_EQ(device().Get("bytes"), "9216");
  const uint64_t sequence = device().Capture(1);
  EXPECT_TRUE(Picture("RGB3", 64, 48).IsFrame(ReadFile(device().Frame(sequence)), sequence));
  EXPECT_EQ(Stat(device().Frame(sequence)).st_size, 9216);
}

TEST_F(AttributesTest, ValuesThatCannotBeAreRefusedWithAReason) {
  for (const char* value : {"NOPE", "grey", "GRE", "GREYS"}) ExpectRefused("format", value, EINVAL);
  for (const char* name : {"width", "height"}) {
    for (const char* value : {"0", "15", "17", "-2", "16386", "4294967312", "99999999999999999999",
                              "64x", "6 4", "0x40", "64.0", "x"}) {
      ExpectRefused(name, value, EINVAL);
    }
  }
  for (const char* value : {"-1", "10001", "1/0", "30/", "abc", "nan", "inf", "1e3", "--"}) {
    ExpectRefused("rate", value, EINVAL);
  }
  for (const char* value : {"0", "-1", "x", "99999999999"}) {
    ExpectRefused("buffers_count", value, EINVAL);
  }
  ExpectRefused("policy", "keep-some", EINVAL);
  ExpectRefused("state", "error", EINVAL);
  ExpectRefused("state", "go", EINVAL);
  for (const char* value : {"-1", "x", "1.5", "99999999999999999999999"}) {
    ExpectRefused("trigger", value, EINVAL);
  }
}

TEST_F(AttributesTest, TheReasonNamesTheValue) {
  ASSERT_EQ(device().TrySet("width", "17"), EINVAL);
  EXPECT_NE(device().LastError().find("17"), std::string::npos) << device().LastError();
  ASSERT_EQ(device().TrySet("format", "NOPE"), EINVAL);
  EXPECT_NE(device().LastError().find("NOPE"), std::string::npos) << device().LastError();
}

TEST_F(AttributesTest, JunkIsRefusedAndDoesNoHarm) {
  const std::string megabyte(size_t{1} << 20, '7');
  const std::string zeros(64, '\0');
  std::string binary;
  for (int i = 0; i < 256; i++) binary += static_cast<char>(i);
  for (const std::string& name : Writable()) {
    const std::string before = device().Get(name);
    for (const std::string& junk : {megabyte, zeros, binary, std::string("\n"), std::string(" ")}) {
      EXPECT_NE(WriteText(device().Path(name), junk), 0) << name << ", " << junk.size() << " bytes";
      EXPECT_EQ(device().Get(name), before) << name;
    }
    EXPECT_EQ(WriteText(device().Path(name), ""), 0) << name;
    EXPECT_EQ(device().Get(name), before) << name;
  }
  const uint64_t sequence = device().Capture(1);
  EXPECT_TRUE(picture_.IsFrame(ReadFile(device().Frame(sequence)), sequence));
}

TEST_F(AttributesTest, JunkInTheReasonIsStillJson) {
  EXPECT_NE(WriteText(device().Path("format"), "\"\\\x01\xff\xfe"), 0);
  EXPECT_TRUE(device().Status().is_object());
}

TEST_F(AttributesTest, NumbersBeyondMemoryAreRefusedWithTheArithmetic) {
  device().Set("format", "BGR4");
  device().Set("buffers_count", "1");
  ASSERT_EQ(device().TrySet("width", "16384"), 0) << device().LastError();
  ASSERT_EQ(device().TrySet("height", "16384"), 0) << device().LastError();
  device().Set("height", "1024");
  const int error = device().TrySet("buffers_count", "4096");
  EXPECT_TRUE(error == EINVAL || error == ENOMEM) << error;
  EXPECT_NE(device().LastError().find("4096"), std::string::npos) << device().LastError();
  EXPECT_NE(device().LastError().find("67108864"), std::string::npos) << device().LastError();
  EXPECT_EQ(device().Get("buffers_count"), "1");
}

TEST_F(AttributesTest, WhatStreamingForbidsIsBusy) {
  device().Set("state", "start");
  for (const auto& [name, value] : std::vector<std::pair<const char*, const char*>>{
           {"format", "BGR4"}, {"width", "64"}, {"height", "64"}, {"buffers_count", "8"}}) {
    ExpectRefused(name, value, EBUSY);
  }
  EXPECT_EQ(device().TrySet("trigger", "1"), EBUSY);
  EXPECT_EQ(device().TrySet("rate", "1000"), 0);
  EXPECT_EQ(device().TrySet("policy", "keep-oldest"), 0);
  device().Stop();
  ExpectAccepted("format", "BGR4");
}

TEST_F(AttributesTest, StartAndStopTakeBothWords) {
  EXPECT_EQ(device().TrySet("state", "streaming"), 0);
  EXPECT_EQ(device().Get("state"), "streaming");
  EXPECT_EQ(device().TrySet("state", "start"), 0) << "starting twice is no error";
  EXPECT_EQ(device().TrySet("state", "stopped"), 0);
  EXPECT_TRUE(WaitUntil([this] { return device().Get("state") == "stopped"; }));
  EXPECT_EQ(device().TrySet("state", "stop"), 0) << "stopping twice is no error";
}

TEST_F(AttributesTest, TriggersAddUpAndZeroCancels) {
  device().Set("rate", "1");
  device().Set("trigger", "1000");
  device().Set("trigger", "500");
  const uint64_t pending = std::stoull(device().Get("trigger"));
  EXPECT_GT(pending, 1000U);
  EXPECT_LE(pending, 1500U);
  device().Set("trigger", "0");
  EXPECT_EQ(device().Get("trigger"), "0");
  EXPECT_EQ(device().Get("state"), "stopped");
  const uint64_t next = device().NextSequence();
  device().Set("rate", "0");
  EXPECT_EQ(device().Capture(2), next + 1);
}

TEST_F(AttributesTest, AHeldFrameSurvivesAChangeOfFormat) {
  const uint64_t sequence = device().Capture(1);
  const UniqueFd fd = Open(device().Frame(sequence), O_RDONLY);
  const Mapping mapping = MapAndClose(device().Frame(sequence));
  device().Set("format", "BGR4");
  device().Set("width", "64");
  device().Set("buffers_count", "2");
  const uint64_t last = device().Capture(10);
  EXPECT_EQ(last, sequence + 10) << "numbers go on counting";
  EXPECT_TRUE(picture_.IsFrame(mapping.bytes(), sequence));
  EXPECT_TRUE(picture_.IsFrame(ReadAll(fd.get()), sequence));
  EXPECT_EQ(StatFd(fd.get()).st_size, static_cast<off_t>(picture_.bytes()));
  EXPECT_EQ(XattrFd(fd.get(), "format"), "GREY");
  EXPECT_TRUE(Picture("BGR4", 64, kHeight).IsFrame(ReadFile(device().latest()), last));
}

TEST_F(AttributesTest, AMappedBufferOfTheOldFormatStaysReadable) {
  const Mapping mapping = MapAndClose(device().Buffer(0));
  const UniqueFd fd = Open(device().Buffer(0), O_RDONLY);
  device().Set("width", "64");
  const uint64_t last = device().Capture(3 * kBuffers);
  static_cast<void>(Picture::Stamp(mapping.bytes()));
  EXPECT_TRUE(Picture("GREY", 64, kHeight).IsFrame(ReadFile(device().latest()), last));
}

TEST_F(AttributesTest, AHundredReconfigurationsLeaveNothingBehind) {
  for (int i = 0; i < 100; i++) {
    device().Set("width", std::to_string(64 + 2 * (i % 10)));
    device().Set("buffers_count", std::to_string(1 + i % 5));
    const uint64_t last = device().Capture(3);
    ASSERT_EQ(Picture::Stamp(ReadFile(device().latest())), last);
  }
  const CommandResult fds =
      RunShell("ls /proc/" + std::to_string(mount().daemon().pid()) + "/fd | wc -l");
  EXPECT_LT(std::stoi(fds.out), 100) << "descriptors of the daemon";
}

TEST_F(AttributesTest, TwoWritersAtOnceAreBothServed) {
  Child child([&](Child::Parent) {
    for (int i = 0; i < 300; i++) device().Set("rate", "100");
    return 0;
  });
  for (int i = 0; i < 300; i++) device().Set("rate", "200");
  EXPECT_EQ(child.Wait(), 0);
  EXPECT_TRUE(device().Get("rate") == "100" || device().Get("rate") == "200");
}

}  // namespace
}  // namespace grabfs::mount_test
