// SPDX-License-Identifier: Apache-2.0
//
// How much memory there is, told by copies of /proc and of cgroup trees; and the refusal.
#include "fusefs/base/memory_limit.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

namespace fs = std::filesystem;

// A file system root with what the kernel would show.
class MemoryLimit : public testing::Test {
 protected:
  MemoryLimit() {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    root_ = testing::TempDir() + "memory_limit_" + name;
    fs::remove_all(root_);
    Write("/proc/meminfo", "MemTotal: 4000 kB\nMemFree: 10 kB\nMemAvailable:   2000 kB\n");
  }
  ~MemoryLimit() override { fs::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const fs::path file = root_ + path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  void WriteUnified(const std::string& group, const std::string& limit, uint64_t usage,
                    uint64_t file_cache) {
    const std::string directory = "/sys/fs/cgroup" + group;
    Write(directory + "/memory.max", limit + "\n");
    Write(directory + "/memory.current", std::to_string(usage) + "\n");
    Write(directory + "/memory.stat",
          "anon 1\ninactive_file " + std::to_string(file_cache) + "\nactive_file 0\nshmem 7\n");
  }

  [[nodiscard]] uint64_t Available() const { return AvailableMemory("self", root_); }

  std::string root_;
};

constexpr char kUnifiedMount[] =
    "24 30 0:22 / /proc rw,nosuid - proc proc rw\n"
    "36 25 0:32 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

TEST_F(MemoryLimit, IsWhatTheMachineHasWithoutCgroups) { EXPECT_EQ(Available(), 2048000u); }

TEST_F(MemoryLimit, IsWhatTheCgroupLeaves) {
  Write("/proc/self/mountinfo", kUnifiedMount);
  Write("/proc/self/cgroup", "0::/user.slice/session\n");
  WriteUnified("/user.slice/session", "1000000", 400000, 0);
  EXPECT_EQ(Available(), 600000u);
}

TEST_F(MemoryLimit, CountsPageCacheThatTheKernelWouldGiveUp) {
  Write("/proc/self/mountinfo", kUnifiedMount);
  Write("/proc/self/cgroup", "0::/group\n");
  WriteUnified("/group", "1000000", 900000, 500000);
  EXPECT_EQ(Available(), 600000u);
}

TEST_F(MemoryLimit, IsTheLeastOfTheCgroupAndThoseAboveIt) {
  Write("/proc/self/mountinfo", kUnifiedMount);
  Write("/proc/self/cgroup", "0::/outer/inner\n");
  WriteUnified("/outer", "500000", 450000, 0);
  WriteUnified("/outer/inner", "max", 450000, 0);
  EXPECT_EQ(Available(), 50000u);
}

TEST_F(MemoryLimit, IsZeroAndNotNegativeWhenTheCgroupIsOverItsLimit) {
  Write("/proc/self/mountinfo", kUnifiedMount);
  Write("/proc/self/cgroup", "0::/group\n");
  WriteUnified("/group", "1000", 2000, 0);
  EXPECT_EQ(Available(), 0u);
}

TEST_F(MemoryLimit, FindsTheMemoryControllerOfVersionOne) {
  Write("/proc/self/mountinfo",
        "33 32 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
        "36 32 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n");
  Write("/proc/self/cgroup", "9:cpu:/elsewhere\n4:memory:/api/job\n0::/\n");
  const std::string directory = "/sys/fs/cgroup/memory/api/job";
  Write(directory + "/memory.limit_in_bytes", "300000\n");
  Write(directory + "/memory.usage_in_bytes", "200000\n");
  Write(directory + "/memory.stat",
        "inactive_file 9\ntotal_inactive_file 30000\ntotal_active_file 20000\n");
  EXPECT_EQ(Available(), 150000u);
}

TEST_F(MemoryLimit, FindsItsCgroupInAContainerThatShowsOnlyAPartOfTheTree) {
  Write("/proc/self/mountinfo",
        "36 25 0:32 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup2 rw,nsdelegate\n");
  Write("/proc/self/cgroup", "0::/docker/abc/job\n");
  WriteUnified("/job", "70000", 0, 0);
  EXPECT_EQ(Available(), 70000u);
}

TEST_F(MemoryLimit, IgnoresACgroupThatIsOutOfSight) {
  Write("/proc/self/mountinfo", kUnifiedMount);
  Write("/proc/self/cgroup", "0::/../../elsewhere\n");
  EXPECT_EQ(Available(), 2048000u);
}

TEST_F(MemoryLimit, FailsWhereProcTellsNothing) {
  Write("/proc/meminfo", "");
  EXPECT_THROW((void)Available(), Error);
}

TEST(CheckMemoryAvailable, AcceptsWhatFits) { EXPECT_NO_THROW(CheckMemoryAvailable(4, 8294400)); }

TEST(CheckMemoryAvailable, RefusesMoreThanThereIsWithTheArithmetic) {
  try {
    CheckMemoryAvailable(4000000, uint64_t{1} << 30);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ENOMEM);
    const std::string text = error.what();
    EXPECT_TRUE(text.starts_with("4000000 buffers x 1073741824 bytes = 4294967296 MB, available "))
        << text;
  }
}

}  // namespace
}  // namespace grabfs
