// SPDX-License-Identifier: Apache-2.0
//
// What it costs, and whom, that bytes on their way stay the frame that was sent off: its buffer
// gets new pages.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "tests/mount/support/channel.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

// Enough further frames that every buffer which can be reused has been.
constexpr unsigned kManyFrames = 4 * kBuffers;

class Renewal : public MountTest {
 protected:
  [[nodiscard]] uint64_t Renewed() const { return device().Status().at("memory").at("renewed"); }
  [[nodiscard]] uint64_t Aside() const { return device().Status().at("buffers").at("aside"); }
  // One for each frame, where readers have the pages themselves.
  static uint64_t Expected(uint64_t frames) {
    return ActiveDataPath() == DataPath::kPassthrough ? frames : 0;
  }
  // Until it is known what is read, everything is taken for read.
  void AwaitWatch() const {
    const auto known = [this] { return device().Status().at("in_flight") != "assumed"; };
    EXPECT_TRUE(WaitUntil(known));
  }
  void SendOff(const std::string& path) const {
    const UniqueFd fd = Open(path, O_RDONLY);
    const Channel channel = Channel::Sockets();
    EXPECT_GT(channel.SendFile(fd.get(), 0, picture_.bytes()), 0U);
  }
};

TEST_F(Renewal, FramesThatAreMappedNeedNone) {
  AwaitWatch();
  for (int i = 0; i < 20; ++i) {
    device().Capture(1);
    const UniqueFd fd = Open(device().latest(), O_RDONLY);
    const Mapping mapping(fd.get(), picture_.bytes());
    EXPECT_EQ(Picture::Stamp(mapping.bytes()), std::stoull(XattrFd(fd.get(), "sequence")));
  }
  device().Capture(kManyFrames);
  EXPECT_EQ(Renewed(), 0U);
}

TEST_F(Renewal, NorFramesThatAreOpenedOnly) {
  AwaitWatch();
  for (int i = 0; i < 20; ++i) {
    device().Capture(1);
    (void)StatFd(Open(device().latest(), O_RDONLY).get());
  }
  device().Capture(kManyFrames);
  EXPECT_EQ(Renewed(), 0U);
}

TEST_F(Renewal, EachFrameThatIsSentOffNeedsOne) {
  AwaitWatch();
  for (int i = 0; i < 20; ++i) {
    device().Capture(1);
    SendOff(device().latest());
    SendOff(device().latest());
  }
  EXPECT_TRUE(WaitUntil([this] {
    device().Capture(1);
    return Renewed() == Expected(20);
  })) << Renewed();
  device().Capture(kManyFrames);
  EXPECT_EQ(Renewed(), Expected(20));
  EXPECT_EQ(device().Status().at("counters").at("dropped"), 0U) << "renewing is not losing";
}

TEST_F(Renewal, AFrameStaysUnderItsNameUntilItsTurnComes) {
  device().Capture(kBuffers);
  for (const uint64_t sequence : device().Frames()) SendOff(device().Frame(sequence));
  EXPECT_EQ(device().Frames().size(), kBuffers);
  for (const uint64_t sequence : device().Frames()) {
    EXPECT_TRUE(picture_.IsFrame(ReadFile(device().Frame(sequence)), sequence));
  }
}

TEST_F(Renewal, KeepOldestGivesTheBufferBackWhenTheFrameIsUnlinked) {
  device().Set("policy", "keep-oldest");
  device().Capture(kBuffers);
  SendOff(device().Frame(0));
  ASSERT_EQ(::unlink(device().Frame(0).c_str()), 0);
  EXPECT_TRUE(WaitUntil([this] { return device().Status().at("buffers").at("free") == 1; }))
      << device().Status().dump();
  const uint64_t next = device().Capture(1);
  EXPECT_TRUE(picture_.IsFrame(ReadFile(device().Frame(next)), next));
}

// A viewer maps all buffers and looks on, beside a server that sends each frame off.
TEST_F(Renewal, OnlookersDoNotPutBuffersAside) {
  std::vector<Mapping> views;
  for (unsigned i = 0; i < kBuffers; ++i) views.push_back(MapAndClose(device().Buffer(i)));
  for (int i = 0; i < 20; ++i) {
    const uint64_t before = device().NextSequence();
    EXPECT_TRUE(WaitUntil([&] {
      device().Capture(1);
      return device().Frames().back() >= before;
    })) << device().Status().dump();
    SendOff(device().latest());
  }
  EXPECT_EQ(Aside(), 0U) << device().Status().dump();
  EXPECT_TRUE(WaitUntil([&] {
    const uint64_t newest = device().Frames().back();
    return std::ranges::any_of(
        views, [&](const Mapping& view) { return Picture::Stamp(view.bytes()) == newest; });
  })) << "the views do not follow";
}

// Who writes may have had pages pinned: his buffer waits for him, the others go on.
TEST_F(Renewal, ABufferOfAWriterIsPutAsideAndComesBack) {
  if (ActiveDataPath() != DataPath::kPassthrough) GTEST_SKIP() << "nothing is renewed here";
  AwaitWatch();
  const uint64_t sequence = device().Capture(1);
  unsigned index = 0;
  while (Xattr(device().Buffer(index), "sequence") != std::to_string(sequence)) ++index;
  auto writer =
      std::optional(MapAndClose(device().Buffer(index), PROT_READ | PROT_WRITE, MAP_SHARED));
  auto onlooker = MapAndClose(device().Buffer(index));
  SendOff(device().Frame(sequence));
  EXPECT_TRUE(WaitUntil([&] {
    device().Capture(1);
    return Aside() == 1;
  })) << device().Status().dump();
  EXPECT_EQ(device().Status().at("buffers").at("states").get<std::string>()[index], 'a');
  const uint64_t before = device().NextSequence();
  device().Capture(kManyFrames);
  EXPECT_GE(device().Frames().back(), before) << "the others do not go on";
  writer.reset();
  EXPECT_TRUE(WaitUntil([this] { return Aside() == 0; })) << device().Status().dump();
  EXPECT_TRUE(WaitUntil([&] {
    device().Capture(1);
    return Xattr(device().Buffer(index), "sequence") == std::to_string(device().Frames().back());
  }));
  EXPECT_EQ(Picture::Stamp(onlooker.bytes()),
            std::stoull(Xattr(device().Buffer(index), "sequence")));
}

}  // namespace
}  // namespace grabfs::mount_test
