// SPDX-License-Identifier: Apache-2.0
//
// Capturing into memory of one's own: `into` takes the name of a file of alloc/, and the next frame
// is in it, whole, without a copy.
#include <unistd.h>

#include <cerrno>

#include "tests/mount/support/alloc.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

class AllocCaptureTest : public MountTest {
 protected:
  [[nodiscard]] std::string Path(const std::string& name) const {
    return mount().Path("alloc/sim0/" + name);
  }
  // Orders one frame into the file and waits for it: the event.
  nlohmann::json Capture(const std::string& name) {
    EventReader events(device());
    device().Set("into", "sim0/" + name);
    return events.NextOf("into");
  }
  // Returns when the next frame is a minute away.
  void StreamWithFramesFarApart() {
    device().Set("rate", "20");
    device().Set("state", "start");
    ASSERT_TRUE(WaitUntil([this] { return Exists(device().latest()); }));
    device().Set("rate", "1/60");
  }
  static std::span<const std::byte> First(const Mapping& mapping, size_t count) {
    return mapping.bytes().first(count);
  }
};

TEST_F(AllocCaptureTest, TheFrameIsInTheFile) {
  Allocate(Path("mine"), picture_.bytes());
  const nlohmann::json event = Capture("mine");
  EXPECT_EQ(event.at("file"), "alloc/sim0/mine");
  EXPECT_TRUE(picture_.IsFrame(ReadFile(Path("mine")), event.at("sequence")));
  EXPECT_EQ(Xattr(Path("mine"), "sequence"), std::to_string(event.at("sequence").get<int>()));
  EXPECT_EQ(Xattr(Path("mine"), "width"), std::to_string(kWidth));
  EXPECT_EQ(device().Get("into"), "");
  EXPECT_EQ(device().Frames(), std::vector<uint64_t>{}) << "it has no name among the frames";
}

TEST_F(AllocCaptureTest, AMappingShowsEachFrame) {
  const UniqueFd fd = Allocate(Path("mine"), picture_.bytes() + 4096);
  const Mapping mapping(fd.get(), picture_.bytes() + 4096, PROT_READ | PROT_WRITE);
  for (int i = 0; i < 20; i++) {
    mapping.data()[picture_.bytes()] = std::byte{77};
    const nlohmann::json event = Capture("mine");
    ASSERT_TRUE(picture_.IsFrame(First(mapping, picture_.bytes()), event.at("sequence")));
    EXPECT_EQ(mapping.data()[picture_.bytes()], std::byte{77}) << "what is behind the image stays";
  }
}

// On the memory of the module this is what maps the very pages, see docs/decisions/0006.
TEST_F(AllocCaptureTest, AMappingOfADescriptorOpenedLaterShowsEachFrame) {
  Allocate(Path("mine"), picture_.bytes());
  const Mapping mapping = MapAndClose(Path("mine"), PROT_READ | PROT_WRITE);
  for (int i = 0; i < 20; i++) {
    const nlohmann::json event = Capture("mine");
    ASSERT_TRUE(picture_.IsFrame(mapping.bytes(), event.at("sequence")));
  }
}

TEST_F(AllocCaptureTest, AFileOpenedElsewhereShowsIt) {
  Allocate(Path("mine"), picture_.bytes());
  const Mapping before = MapAndClose(Path("mine"));
  const UniqueFd reader = Open(Path("mine"), O_RDONLY);
  EXPECT_EQ(ReadAll(reader.get()), std::vector<std::byte>(picture_.bytes()));
  const nlohmann::json event = Capture("mine");
  EXPECT_TRUE(picture_.IsFrame(before.bytes(), event.at("sequence")));
  ASSERT_EQ(::lseek(reader.get(), 0, SEEK_SET), 0);
  EXPECT_TRUE(picture_.IsFrame(ReadAll(reader.get()), event.at("sequence")));
}

TEST_F(AllocCaptureTest, ItTakesItsTurnWhileStreaming) {
  device().Set("rate", "200");
  device().Set("state", "start");
  Allocate(Path("mine"), picture_.bytes());
  for (int i = 0; i < 20; i++) {
    const nlohmann::json event = Capture("mine");
    ASSERT_TRUE(picture_.IsFrame(ReadFile(Path("mine")), event.at("sequence")));
  }
  device().Stop();
  const nlohmann::json counters = device().Status().at("counters");
  EXPECT_EQ(counters.at("captured"),
            counters.at("delivered").get<int>() + counters.at("recycled").get<int>() +
                counters.at("dropped").get<int>() + counters.at("failed").get<int>() +
                counters.at("present").get<int>());
  EXPECT_GE(counters.at("delivered"), 20);
}

TEST_F(AllocCaptureTest, SeveralFilesAreFilledInTheirOrder) {
  device().Set("rate", "100");
  EventReader events(device());
  for (const std::string name : {"a", "b", "c"}) {
    Allocate(Path(name), picture_.bytes());
    device().Set("into", "sim0/" + name);
  }
  for (const std::string name : {"a", "b", "c"}) {
    const nlohmann::json event = events.NextOf("into");
    EXPECT_EQ(event.at("file"), "alloc/sim0/" + name);
    EXPECT_TRUE(picture_.IsFrame(ReadFile(Path(name)), event.at("sequence")));
  }
  EXPECT_EQ(device().Get("trigger"), "0");
}

TEST_F(AllocCaptureTest, WhatCannotBeIsSaid) {
  EXPECT_EQ(device().TrySet("into", "nothing"), ENOENT);
  EXPECT_NE(device().LastError(), "");
  Allocate(Path("small"), picture_.bytes() - 1);
  EXPECT_EQ(device().TrySet("into", "sim0/small"), ENOSPC);
  EXPECT_NE(device().LastError().find(std::to_string(picture_.bytes())), std::string::npos);
  Allocate(Path("small2"), 0);
  EXPECT_EQ(device().TrySet("into", "alloc/sim0/small2"), ENOSPC);
  EXPECT_EQ(device().TrySet("into", "sim0"), ENOENT);
  EXPECT_EQ(device().TrySet("into", "../sim0/format"), ENOENT);
}

TEST_F(AllocCaptureTest, TheSizeStaysWhileTheDeviceWrites) {
  StreamWithFramesFarApart();
  const UniqueFd fd = Allocate(Path("mine"), picture_.bytes());
  EventReader events(device());
  device().Set("into", "sim0/mine");
  EXPECT_EQ(device().Get("into"), "alloc/sim0/mine");
  EXPECT_EQ(ErrorOf(::ftruncate(fd.get(), 0)), EBUSY);
  EXPECT_EQ(device().TrySet("into", "sim0/mine"), EBUSY);
  // Its name may go, and comes back with nothing else.
  ASSERT_EQ(::unlink(Path("mine").c_str()), 0);
  device().Set("rate", "20");
  const nlohmann::json event = events.NextOf("into");
  EXPECT_TRUE(picture_.IsFrame(ReadAll(fd.get()), event.at("sequence")));
  EXPECT_EQ(::ftruncate(fd.get(), 0), 0);
}

TEST_F(AllocCaptureTest, StoppingCancels) {
  StreamWithFramesFarApart();
  Allocate(Path("mine"), picture_.bytes());
  EventReader events(device());
  device().Set("into", "sim0/mine");
  device().Set("state", "stop");
  const nlohmann::json event = events.NextOf("error");
  EXPECT_EQ(event.at("file"), "alloc/sim0/mine");
  EXPECT_EQ(device().Get("into"), "");
  EXPECT_EQ(::truncate(Path("mine").c_str(), 0), 0) << "it is free again";
}

}  // namespace
}  // namespace grabfs::mount_test
