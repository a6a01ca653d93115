// SPDX-License-Identifier: Apache-2.0
//
// Where the pages of buffers lie, and that they stay there: within the device's reach for every
// strategy, one after the other where that was asked for, and unmoved under everything by which a
// kernel moves or reclaims pages. Physical addresses are those of /proc/self/pagemap.
//
// Runs on every adapter of the machine, so that one boot covers many DMA masks.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"
#include "tests/vm/guest/device.h"
#include "tests/vm/guest/environment.h"
#include "tests/vm/guest/pagemap.h"
#include "tests/vm/guest/session.h"

namespace grabfs::vm {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kMegabyte = 1 << 20;

struct Strategy {
  const char* name;
  uint32_t flag;
};

constexpr Strategy kStrategies[] = {
    {"pages", GRABDMA_ALLOC_PAGES},
    {"large", GRABDMA_ALLOC_LARGE},
    {"contiguous", GRABDMA_ALLOC_CONTIGUOUS},
};

uint64_t CountRuns(const std::vector<uint64_t>& frames) {
  uint64_t runs = 1;
  for (size_t index = 1; index < frames.size(); ++index)
    runs += frames[index] != frames[index - 1] + 1;
  return runs;
}

bool HasIommu(const grabdma_info& info) { return (info.capabilities & GRABDMA_CAP_IOMMU) != 0; }

class PlacementTest : public testing::Test {
 protected:
  // Calls `check` for each adapter with each strategy that it offers.
  template <typename Check>
  void ForEachStrategy(Check check) {
    const auto paths = FindAdapters();
    ASSERT_FALSE(paths.empty());
    for (const std::string& path : paths) {
      Session session(path);
      const auto info = session.Info();
      for (const Strategy& strategy : kStrategies) {
        if ((info.strategies & strategy.flag) == 0) continue;
        SCOPED_TRACE(path + " " + info.bus + " " + strategy.name);
        check(session, info, strategy);
      }
    }
  }

  static std::vector<uint64_t> Frames(const Buffer& buffer) {
    const Mapping mapping(buffer.live.get(), buffer.bytes, PROT_READ, MAP_SHARED);
    return PageFrames(mapping.bytes());
  }
};

TEST_F(PlacementTest, EveryPageIsWithinTheDevicesReach) {
  ForEachStrategy([](Session& session, const grabdma_info& info, const Strategy& strategy) {
    for (const uint64_t bytes : {uint64_t{1}, kPage + 1, 3 * kMegabyte / 2, 4 * kMegabyte}) {
      const Buffer buffer = session.Alloc({.bytes = bytes, .strategy = strategy.flag});
      const auto frames = Frames(buffer);
      const uint64_t highest = *std::max_element(frames.begin(), frames.end());
      if (!HasIommu(info)) {
        EXPECT_LE(highest * kPage + kPage - 1, info.dma_mask);
      }
      EXPECT_EQ(session.TryFree(buffer.id), 0);
    }
  });
}

TEST_F(PlacementTest, ContiguousIsContiguousAndTheSegmentsAreCounted) {
  ForEachStrategy([](Session& session, const grabdma_info&, const Strategy& strategy) {
    const Buffer buffer = session.Alloc({.bytes = 2 * kMegabyte, .strategy = strategy.flag});
    const uint64_t runs = CountRuns(Frames(buffer));
    EXPECT_EQ(buffer.segments, runs);
    if (strategy.flag == GRABDMA_ALLOC_CONTIGUOUS) {
      EXPECT_EQ(runs, 1U);
    }
  });
}

TEST_F(PlacementTest, WhatCannotBeReachedIsRefusedAndLeavesNothingBehind) {
  for (const std::string& path : FindAdapters()) {
    Session session(path);
    const auto info = session.Info();
    // More than all memory that the mask reaches.
    if (HasIommu(info) || info.dma_mask >= info.max_bytes) continue;
    SCOPED_TRACE(path);
    Buffer buffer;
    EXPECT_EQ(session.TryAlloc({.bytes = info.dma_mask + 1 + kMegabyte}, &buffer), ENOMEM);
    EXPECT_EQ(session.TryAlloc({.bytes = kMegabyte}, &buffer), 0);
  }
}

// Fills a buffer with a pattern and remembers where its pages are.
class Resident {
 public:
  Resident(Session& session, uint32_t strategy)
      : buffer_(session.Alloc({.bytes = 4 * kMegabyte, .strategy = strategy})),
        mapping_(buffer_.live.get(), buffer_.bytes, PROT_READ | PROT_WRITE, MAP_SHARED) {
    std::iota(words().begin(), words().end(), uint64_t{buffer_.id} << 32);
    frames_ = PageFrames(mapping_.bytes());
  }

  void Check() const {
    EXPECT_EQ(PageFrames(mapping_.bytes()), frames_) << "pages moved";
    uint64_t expected = uint64_t{buffer_.id} << 32;
    const auto content = words();
    EXPECT_TRUE(std::all_of(content.begin(), content.end(), [&](uint64_t word) {
      return word == expected++;
    })) << "contents changed";
  }

  [[nodiscard]] std::span<std::byte> bytes() const { return mapping_.bytes(); }

 private:
  [[nodiscard]] std::span<uint64_t> words() const {
    return {reinterpret_cast<uint64_t*>(mapping_.bytes().data()),
            mapping_.bytes().size() / sizeof(uint64_t)};
  }

  Buffer buffer_;
  Mapping mapping_;
  std::vector<uint64_t> frames_;
};

class ResidenceTest : public PlacementTest {
 protected:
  // Applies `pressure` to a mapped buffer of each kind, all at once, and looks for changes.
  template <typename Pressure>
  void Under(Pressure pressure) {
    std::vector<Session> sessions;
    std::vector<std::unique_ptr<Resident>> residents;
    for (const std::string& path : FindAdapters()) {
      Session& session = sessions.emplace_back(path);
      for (const Strategy& strategy : kStrategies) {
        residents.push_back(std::make_unique<Resident>(session, strategy.flag));
      }
    }
    ASSERT_FALSE(residents.empty());
    for (const auto& resident : residents) pressure(resident->bytes());
    for (const auto& resident : residents) resident->Check();
  }
};

TEST_F(ResidenceTest, PageOut) {
  Under([](std::span<std::byte> bytes) {
    madvise(bytes.data(), bytes.size(), MADV_PAGEOUT);
    madvise(bytes.data(), bytes.size(), MADV_COLD);
  });
}

TEST_F(ResidenceTest, CompactionAndDroppedCaches) {
  Under([](std::span<std::byte>) {
    for (int round = 0; round < 3; ++round) {
      WriteText("/proc/sys/vm/compact_memory", "1");
      WriteText("/proc/sys/vm/drop_caches", "3");
    }
  });
}

TEST_F(ResidenceTest, MovePagesToTheOtherNode) {
  if (!std::filesystem::exists("/sys/devices/system/node/node1")) {
    GTEST_SKIP() << "this machine has one NUMA node";
  }
  Under([](std::span<std::byte> bytes) {
    constexpr int kMoveAll = 1 << 2;  // MPOL_MF_MOVE_ALL
    const size_t count = bytes.size() / kPage;
    std::vector<void*> pages(count);
    for (size_t index = 0; index < count; ++index) pages[index] = &bytes[index * kPage];
    std::vector<int> status(count);
    for (const int node : {0, 1, 0}) {
      const std::vector<int> nodes(count, node);
      syscall(SYS_move_pages, 0, count, pages.data(), nodes.data(), status.data(), kMoveAll);
    }
  });
}

// Takes all memory in a child, which is the first that the kernel kills.
void ExhaustMemory() {
  const pid_t hog = fork();
  if (hog == 0) {
    WriteText("/proc/self/oom_score_adj", "1000");
    for (;;) {
      mmap(nullptr, 16 * kMegabyte, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    }
  }
  int status = 0;
  waitpid(hog, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "memory never ran out";
}

TEST_F(ResidenceTest, MemoryExhausted) {
  bool exhausted = false;
  Under([&](std::span<std::byte>) {
    if (!std::exchange(exhausted, true)) ExhaustMemory();
  });
}

// A memory cgroup with a limit, entered by children only.
class LimitedGroup {
 public:
  explicit LimitedGroup(uint64_t bytes) {
    WriteText("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
    std::filesystem::create_directory(path_);
    WriteText(path_ + "/memory.max", std::to_string(bytes));
  }
  ~LimitedGroup() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  LimitedGroup(const LimitedGroup&) = delete;
  LimitedGroup& operator=(const LimitedGroup&) = delete;

  void Enter() const { WriteText(path_ + "/cgroup.procs", "0"); }
  [[nodiscard]] std::string Events() const { return ReadText(path_ + "/memory.events"); }

 private:
  std::string path_ = "/sys/fs/cgroup/limited";
};

TEST_F(PlacementTest, BuffersAreChargedToTheCallersGroupAndNobodyIsKilled) {
  const LimitedGroup group(8 * kMegabyte);
  const pid_t child = fork();
  if (child == 0) {
    group.Enter();
    Session session(AdapterPath());
    Buffer buffer;
    const bool fits = session.TryAlloc({.bytes = 2 * kMegabyte}, &buffer) == 0;
    const bool refused = session.TryAlloc({.bytes = 16 * kMegabyte}, &buffer) == ENOMEM;
    _exit(fits && refused ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_NE(group.Events().find("oom_kill 0"), std::string::npos) << group.Events();
}

// The node of each page; negative: an errno value.
std::vector<int> Nodes(std::span<std::byte> bytes) {
  std::vector<void*> pages;
  for (size_t offset = 0; offset < bytes.size(); offset += kPage) pages.push_back(&bytes[offset]);
  std::vector<int> nodes(pages.size());
  CheckSyscall(syscall(SYS_move_pages, 0, pages.size(), pages.data(), nullptr, nodes.data(), 0),
               "move_pages");
  return nodes;
}

class NearTest : public PlacementTest {};

TEST_F(NearTest, MemoryIsNearTheDevice) {
  const int node = std::stoi(ReadText("/sys/module/grabdma_virtual/parameters/node"));
  ASSERT_GE(node, 0) << "the adapter is near to no node";
  ForEachStrategy([&](Session& session, const grabdma_info&, const Strategy& strategy) {
    const Buffer buffer = session.Alloc({.bytes = 8 * kMegabyte, .strategy = strategy.flag});
    const Mapping mapping(buffer.live.get(), buffer.bytes, PROT_READ, MAP_SHARED);
    static_cast<void>(PageFrames(mapping.bytes()));  // Touches them.
    const std::vector<int> nodes = Nodes(mapping.bytes());
    EXPECT_EQ(std::count(nodes.begin(), nodes.end(), node), std::ssize(nodes));
  });
}

// From /proc/meminfo, in bytes.
uint64_t MemoryInfo(const std::string& name) {
  const std::string text = ReadText("/proc/meminfo");
  return std::stoull(text.substr(text.find(name + ":") + name.size() + 1)) * 1024;
}

// Reads a disk until nearly all memory is a cache of it; closed, it has none any more.
UniqueFd FillCaches() {
  UniqueFd disk(CheckSyscall(open("/dev/nullb0", O_RDONLY | O_CLOEXEC), "open a disk"));
  std::vector<char> bytes(kMegabyte);
  const uint64_t most = 2 * MemoryInfo("MemTotal");
  for (uint64_t done = 0; done < most && MemoryInfo("MemFree") > 64 * kMegabyte;) {
    done += static_cast<uint64_t>(
        CheckSyscall(read(disk.get(), bytes.data(), bytes.size()), "read a disk"));
  }
  return disk;
}

class ReclaimTest : public PlacementTest {};

TEST_F(ReclaimTest, CachesMakeWayForBuffers) {
  const UniqueFd disk = FillCaches();
  // Below the limit of the adapter, which is half of the memory.
  const uint64_t wanted = MemoryInfo("MemAvailable") * 2 / 5;
  ASSERT_GT(wanted, 3 * MemoryInfo("MemFree")) << "there is too much left";
  Session session(AdapterPath());
  std::vector<Buffer> buffers;
  for (uint64_t bytes = 0; bytes < wanted; bytes += 16 * kMegabyte) {
    Buffer buffer;
    ASSERT_EQ(session.TryAlloc({.bytes = 16 * kMegabyte}, &buffer), 0) << "after " << bytes;
    buffers.push_back(std::move(buffer));
  }
}

long CountFaults(const Buffer& buffer, int protection) {
  const Mapping mapping(buffer.live.get(), buffer.bytes, protection, MAP_SHARED);
  rusage before = {};
  rusage after = {};
  getrusage(RUSAGE_SELF, &before);
  for (size_t offset = 0; offset < buffer.bytes; offset += kPage) {
    if (protection == PROT_READ) {
      static_cast<void>(*static_cast<const volatile std::byte*>(&mapping.bytes()[offset]));
    } else {
      mapping.bytes()[offset] = std::byte{1};
    }
  }
  getrusage(RUSAGE_SELF, &after);
  return after.ru_minflt - before.ru_minflt;
}

// How many faults it takes to touch each page of a new buffer. Faults on other pages count for the
// process as well, as on its program after memory was short: the fewest of a few times.
long FewestFaults(Session& session, const Strategy& strategy, int protection) {
  long fewest = std::numeric_limits<long>::max();
  for (int time = 0; time < 3; time++) {
    const Buffer buffer = session.Alloc({.bytes = 8 * kMegabyte, .strategy = strategy.flag});
    fewest = std::min(fewest, CountFaults(buffer, protection));
    EXPECT_EQ(session.TryFree(buffer.id), 0);
  }
  return fewest;
}

TEST_F(PlacementTest, MappingEightMegabytesTakesFourFaults) {
  ForEachStrategy([](Session& session, const grabdma_info& info, const Strategy& strategy) {
    if (info.dma_mask < 8 * kMegabyte * 4) return;
    for (const int protection : {PROT_READ, PROT_READ | PROT_WRITE}) {
      EXPECT_EQ(FewestFaults(session, strategy, protection), 4) << "protection " << protection;
    }
  });
}

}  // namespace
}  // namespace grabfs::vm
