// SPDX-License-Identifier: Apache-2.0
//
// The promise of buffers/: the memory itself. Map it once and follow it for ever; every process
// sees the same pages; it can be written, and it never changes its size.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

class BuffersTest : public MountTest {
 protected:
  [[nodiscard]] std::vector<Mapping> MapAll() const {
    std::vector<Mapping> mappings;
    for (unsigned i = 0; i < kBuffers; i++) mappings.push_back(MapAndClose(device().Buffer(i)));
    return mappings;
  }
};

// The physical page under an address of this process: 0 when it is not present or not told.
uint64_t PageFrameNumber(const std::byte* address) {
  constexpr uint64_t kNumberBits = (uint64_t{1} << 55) - 1;
  const auto page = reinterpret_cast<uintptr_t>(address) / static_cast<uintptr_t>(::getpagesize());
  const UniqueFd pagemap = Open("/proc/self/pagemap", O_RDONLY);
  uint64_t entry = 0;
  const auto offset = static_cast<off_t>(page * sizeof entry);
  if (::pread(pagemap.get(), &entry, sizeof entry, offset) != sizeof entry) return 0;
  return entry & kNumberBits;
}

uint64_t TouchedPage(const Mapping& mapping) {
  static_cast<void>(Picture::Stamp(mapping.bytes()));
  return PageFrameNumber(mapping.data());
}

std::vector<std::byte> Noise(size_t bytes, unsigned seed) {
  std::vector<std::byte> noise(bytes);
  unsigned state = seed;
  for (std::byte& byte : noise) {
    state = state * 1103515245U + 12345U;
    byte = static_cast<std::byte>(state >> 16);
  }
  return noise;
}

TEST_F(BuffersTest, ThereAreAsManyAsTheDeviceHas) {
  EXPECT_EQ(List(device().Path("buffers")),
            (std::vector<std::string>{"000.raw", "001.raw", "002.raw", "003.raw"}));
  EXPECT_EQ(Stat(device().Buffer(0)).st_size, static_cast<off_t>(picture_.bytes()));
  EXPECT_EQ(Stat(device().Buffer(0)).st_mode & 0777, 0644U);
  EXPECT_EQ(OpenError(device().Buffer(kBuffers), O_RDONLY), ENOENT);
}

TEST_F(BuffersTest, BeforeTheFirstFrameABufferIsZero) {
  const std::vector<std::byte> contents = ReadFile(device().Buffer(0));
  EXPECT_EQ(contents, std::vector<std::byte>(picture_.bytes()));
  EXPECT_EQ(Xattr(device().Buffer(0), "sequence"), "");
}

// The event comes after the frame: whoever has read it finds the frame in the mapping, at once.
TEST_F(BuffersTest, AMappingShowsEachNewFrameWhenItIsAnnounced) {
  const std::vector<Mapping> mappings = MapAll();
  EventReader events(device());
  for (unsigned i = 0; i < 50 * kBuffers; i++) {
    device().Set("trigger", "1");
    const nlohmann::json frame = events.NextOf("frame");
    const unsigned buffer = frame.at("buffer");
    ASSERT_TRUE(picture_.IsFrame(mappings.at(buffer).bytes(), frame.at("sequence")));
  }
}

TEST_F(BuffersTest, ADescriptorReadsEachNewFrameWhenItIsAnnounced) {
  std::vector<UniqueFd> buffers;
  for (unsigned i = 0; i < kBuffers; i++) buffers.push_back(Open(device().Buffer(i), O_RDONLY));
  EventReader events(device());
  for (unsigned i = 0; i < 10 * kBuffers; i++) {
    device().Set("trigger", "1");
    const nlohmann::json frame = events.NextOf("frame");
    const int fd = buffers.at(frame.at("buffer")).get();
    ASSERT_EQ(::lseek(fd, 0, SEEK_SET), 0);
    ASSERT_TRUE(picture_.IsFrame(ReadAll(fd), frame.at("sequence")));
  }
}

TEST_F(BuffersTest, TwoProcessesThatMapABufferSeeTheSameFrame) {
  constexpr unsigned kRounds = 20;
  std::vector<uint64_t> sequences(1);
  const Mapping shared(-1, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
  auto* expected = reinterpret_cast<volatile uint64_t*>(shared.data());
  Child child([&](Child::Parent parent) {
    const std::vector<Mapping> mappings = MapAll();
    for (unsigned i = 0; i < kRounds; i++) {
      parent.Tell();
      parent.Await();
      if (!picture_.IsFrame(mappings[expected[0] % kBuffers].bytes(), expected[0] / kBuffers)) {
        return 1;
      }
    }
    return 0;
  });
  const std::vector<Mapping> mappings = MapAll();
  EventReader events(device());
  for (unsigned i = 0; i < kRounds; i++) {
    child.Await();
    device().Set("trigger", "1");
    const nlohmann::json frame = events.NextOf("frame");
    const uint64_t sequence = frame.at("sequence");
    const unsigned buffer = frame.at("buffer");
    EXPECT_TRUE(picture_.IsFrame(mappings.at(buffer).bytes(), sequence));
    expected[0] = sequence * kBuffers + buffer;
    child.Tell();
  }
  EXPECT_EQ(child.Wait(), 0);
}

TEST_F(BuffersTest, TwoProcessesHaveTheVerySamePages) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root is told page frame numbers";
  const Mapping shared(-1, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
  auto* theirs = reinterpret_cast<volatile uint64_t*>(shared.data());
  Child child([&](Child::Parent parent) {
    const Mapping mapping = MapAndClose(device().Buffer(1));
    *theirs = TouchedPage(mapping);
    parent.Tell();
    parent.Await();
    return 0;
  });
  child.Await();
  const Mapping mapping = MapAndClose(device().Buffer(1));
  EXPECT_NE(TouchedPage(mapping), 0U);
  EXPECT_EQ(TouchedPage(mapping), *theirs);
}

TEST_F(BuffersTest, WithPassthroughAFrameIsTheVeryPagesOfItsBuffer) {
  if (ActiveDataPath() != DataPath::kPassthrough) GTEST_SKIP() << "a promise of passthrough only";
  EventReader events(device());
  device().Set("trigger", "1");
  const nlohmann::json event = events.NextOf("frame");
  const Mapping buffer = MapAndClose(device().Buffer(event.at("buffer")));
  const Mapping frame = MapAndClose(device().Frame(event.at("sequence")));
  EXPECT_NE(TouchedPage(buffer), 0U);
  EXPECT_EQ(TouchedPage(buffer), TouchedPage(frame));
}

TEST_F(BuffersTest, WhatOneWritesTheOthersSee) {
  const std::vector<std::byte> noise = Noise(picture_.bytes(), 1);
  const Mapping reader = MapAndClose(device().Buffer(0));
  const UniqueFd fd = Open(device().Buffer(0), O_RDWR);
  ASSERT_EQ(::pwrite(fd.get(), noise.data(), noise.size(), 0), static_cast<ssize_t>(noise.size()));
  EXPECT_TRUE(std::ranges::equal(reader.bytes(), noise));
  EXPECT_EQ(ReadFile(device().Buffer(0)), noise);
}

TEST_F(BuffersTest, WhatIsStoredInAMappingIsInTheFile) {
  const std::vector<std::byte> noise = Noise(picture_.bytes(), 2);
  const Mapping writer = MapAndClose(device().Buffer(0), PROT_READ | PROT_WRITE);
  std::ranges::copy(noise, writer.writable().begin());
  EXPECT_EQ(ReadFile(device().Buffer(0)), noise);
  EXPECT_EQ(ErrorOf(::msync(writer.data(), writer.size(), MS_SYNC)), 0);
  EXPECT_EQ(ReadFile(device().Buffer(0)), noise);
}

// Page caches that mappings and devices do not update are not spliced from (docs/differences.md).
TEST_F(BuffersTest, WhatIsSplicedIsWhatIsThere) {
  const Mapping writer = MapAndClose(device().Buffer(0), PROT_READ | PROT_WRITE);
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const UniqueFd out(pipe[0]);
  const UniqueFd in(pipe[1]);
  for (const int flags : {O_RDONLY, O_RDWR, O_RDWR | O_DIRECT}) {
    const UniqueFd fd = Open(device().Buffer(0), flags);
    const bool refused = flags == O_RDWR && ActiveDataPath() == DataPath::kPassthrough;
    for (unsigned char round = 1; round < 200; round++) {
      std::memset(writer.data(), round, writer.size());
      std::array<unsigned char, 64> seen{};
      loff_t from = 0;
      const ssize_t moved = ::splice(fd.get(), &from, in.get(), nullptr, seen.size(), 0);
      if (refused) {
        // From Linux 7 on no other error comes through.
        const int error = ErrorOf(moved);
        ASSERT_TRUE(error == EINVAL || error == EIO) << error;
        continue;
      }
      ASSERT_EQ(moved, static_cast<ssize_t>(seen.size())) << flags;
      ASSERT_EQ(::read(out.get(), seen.data(), seen.size()), moved);
      ASSERT_EQ(seen.front(), round) << flags;
      ASSERT_EQ(seen.back(), round) << flags;
    }
  }
}

// Memory is never older than the newest frame in it, whatever writers had in flight.
TEST_F(BuffersTest, ANewFrameReplacesWhatWasWritten) {
  std::vector<Mapping> writers;
  for (unsigned i = 0; i < kBuffers; i++) {
    writers.push_back(MapAndClose(device().Buffer(i), PROT_READ | PROT_WRITE));
  }
  EventReader events(device());
  for (unsigned round = 0; round < 3 * kBuffers; round++) {
    for (const Mapping& writer : writers) std::memset(writer.data(), 0xA5, writer.size());
    device().Set("trigger", "1");
    const nlohmann::json frame = events.NextOf("frame");
    const unsigned buffer = frame.at("buffer");
    ASSERT_TRUE(picture_.IsFrame(writers[buffer].bytes(), frame.at("sequence")));
    ASSERT_TRUE(picture_.IsFrame(ReadFile(device().Buffer(buffer)), frame.at("sequence")));
  }
}

TEST_F(BuffersTest, WritingEndsAtTheEnd) {
  const UniqueFd fd = Open(device().Buffer(0), O_RDWR);
  const auto end = static_cast<off_t>(picture_.bytes());
  const std::vector<std::byte> noise = Noise(10, 3);
  EXPECT_EQ(::pwrite(fd.get(), noise.data(), noise.size(), end - 5), 5);
  EXPECT_EQ(ErrorOf(::pwrite(fd.get(), noise.data(), noise.size(), end)), ENOSPC);
  EXPECT_EQ(ErrorOf(::pwrite(fd.get(), noise.data(), noise.size(), end + 1000000)), ENOSPC);
  EXPECT_EQ(StatFd(fd.get()).st_size, end);
}

TEST_F(BuffersTest, AppendingIsWritingPastTheEnd) {
  const UniqueFd fd = Open(device().Buffer(0), O_WRONLY | O_APPEND);
  EXPECT_EQ(ErrorOf(::write(fd.get(), "x", 1)), ENOSPC);
  EXPECT_EQ(StatFd(fd.get()).st_size, static_cast<off_t>(picture_.bytes()));
}

TEST_F(BuffersTest, TheSizeCannotBeChanged) {
  const UniqueFd fd = Open(device().Buffer(0), O_RDWR);
  const auto bytes = static_cast<off_t>(picture_.bytes());
  EXPECT_EQ(ErrorOf(::ftruncate(fd.get(), 0)), EPERM);
  EXPECT_EQ(ErrorOf(::ftruncate(fd.get(), bytes - 1)), EPERM);
  EXPECT_EQ(ErrorOf(::ftruncate(fd.get(), bytes + 1)), EPERM);
  EXPECT_EQ(ErrorOf(::truncate(device().Buffer(0).c_str(), 1)), EPERM);
  EXPECT_NE(ErrorOf(::fallocate(fd.get(), 0, bytes, 4096)), 0);
  EXPECT_EQ(StatFd(fd.get()).st_size, bytes);
}

TEST_F(BuffersTest, AHoleCannotBePunched) {
  const std::vector<std::byte> noise = Noise(picture_.bytes(), 4);
  const UniqueFd fd = Open(device().Buffer(0), O_RDWR);
  ASSERT_GT(::pwrite(fd.get(), noise.data(), noise.size(), 0), 0);
  EXPECT_NE(ErrorOf(::fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096)), 0);
  EXPECT_EQ(ReadFile(device().Buffer(0)), noise);
}

TEST_F(BuffersTest, TruncatingOnOpenChangesNothing) {
  const std::vector<std::byte> noise = Noise(picture_.bytes(), 5);
  const UniqueFd fd = Open(device().Buffer(0), O_RDWR);
  ASSERT_GT(::pwrite(fd.get(), noise.data(), noise.size(), 0), 0);
  EXPECT_EQ(OpenError(device().Buffer(0), O_WRONLY | O_TRUNC), 0);
  EXPECT_EQ(ErrorOf(::truncate(device().Buffer(0).c_str(), 0)), 0);
  EXPECT_EQ(ReadFile(device().Buffer(0)), noise);
}

TEST_F(BuffersTest, EveryShellToolCanFillABuffer) {
  const std::string source = MakeScratchDirectory("source") + "/noise";
  const std::string target = device().Buffer(0);
  unsigned seed = 10;
  for (const std::string& command :
       {"cat " + source + " > " + target, "cp " + source + " " + target,
        "dd status=none bs=4096 if=" + source + " of=" + target,
        "dd status=none bs=1000 conv=notrunc if=" + source + " of=" + target,
        "tee " + target + " < " + source + " > /dev/null"}) {
    const std::vector<std::byte> noise = Noise(picture_.bytes(), seed++);
    CreateFile(source, noise);
    const CommandResult result = RunShell(command);
    EXPECT_EQ(result.status, 0) << command << ": " << result.err;
    EXPECT_EQ(ReadFile(target), noise) << command;
  }
}

TEST_F(BuffersTest, CopyingAFileThatIsTooLongFailsAndKeepsTheSize) {
  const std::string source = MakeScratchDirectory("source") + "/long";
  CreateFile(source, Noise(picture_.bytes() + 1, 6));
  const CommandResult result = RunShell("cat " + source + " > " + device().Buffer(0));
  EXPECT_NE(result.status, 0);
  EXPECT_NE(result.err.find("No space left"), std::string::npos) << result.err;
  EXPECT_EQ(Stat(device().Buffer(0)).st_size, static_cast<off_t>(picture_.bytes()));
}

}  // namespace
}  // namespace grabfs::mount_test
