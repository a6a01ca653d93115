// SPDX-License-Identifier: Apache-2.0
//
// Real mappings of real files, found in the process table; and the kernel's table of mounts.
#include "fusefs/vfs/mapping_scan.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "fusefs/base/unique_fd.h"

namespace grabfs {
namespace {

class MappingScanTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root can read the mappings of all processes";
    std::string path = ::testing::TempDir() + "/mapping-XXXXXX";
    file_ = UniqueFd(mkstemp(path.data()));
    ASSERT_TRUE(file_.valid());
    ASSERT_EQ(unlink(path.c_str()), 0);
    ASSERT_EQ(ftruncate(file_.get(), 4096), 0);
    ASSERT_EQ(fstat(file_.get(), &stat_), 0);
  }

  void* Map() { return mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, file_.get(), 0); }

  // Scans until the process table holds still long enough.
  bool Mapped() {
    for (;;) {
      if (const auto inodes = ScanMappings(stat_.st_dev)) return inodes->contains(stat_.st_ino);
    }
  }

  UniqueFd file_;
  struct stat stat_ = {};
};

TEST_F(MappingScanTest, AMappedFileIsFoundAndAnUnmappedOneIsNot) {
  EXPECT_FALSE(Mapped());
  void* const mapping = Map();
  ASSERT_NE(mapping, MAP_FAILED);
  EXPECT_TRUE(Mapped());
  munmap(mapping, 4096);
  EXPECT_FALSE(Mapped());
}

TEST_F(MappingScanTest, AMappingLivesOnInAForkedChild) {
  void* const mapping = Map();
  ASSERT_NE(mapping, MAP_FAILED);
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(pipe(pipe_ends.data()), 0);
  UniqueFd reading(pipe_ends[0]);
  UniqueFd writing(pipe_ends[1]);
  const pid_t child = fork();
  if (child == 0) {
    writing.reset();
    char byte = 0;
    _exit(read(reading.get(), &byte, 1) == 0 ? 0 : 1);
  }
  munmap(mapping, 4096);
  EXPECT_TRUE(Mapped());
  writing.reset();
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(Mapped());
}

}  // namespace
}  // namespace grabfs
