// SPDX-License-Identifier: Apache-2.0
//
// On an ordinary directory, whose files are told of without a name: as if some had been missed.
#include "fusefs/fuse/access_watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs {
namespace {

constexpr uint32_t kDevice = 1;
constexpr unsigned kMany = 10'000;

class AccessWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root is told what others read";
    ASSERT_NE(::mkdtemp(directory_.data()), nullptr);
    file_ = UniqueFd(
        CheckSyscall(::open((directory_ + "/file").c_str(), O_RDWR | O_CREAT, 0600), directory_));
    CheckSyscall(::pwrite(file_.get(), "x", 1, 0), "write");
    CheckSyscall(::stat(directory_.c_str(), &stat_), directory_);
  }
  void TearDown() override {
    (void)::unlink((directory_ + "/file").c_str());
    (void)::rmdir(directory_.c_str());
  }

  void Read() const {
    char byte = 0;
    EXPECT_EQ(::pread(file_.get(), &byte, 1, 0), 1);
  }

  std::string directory_ = "/dev/shm/access_watch_XXXXXX";
  UniqueFd file_;
  struct stat stat_ = {};
  std::atomic<unsigned> told_ = 0;
};

TEST_F(AccessWatchTest, WhoReadsWithoutPauseKeepsNobodyWaiting) {
  AccessWatch watch(directory_, stat_.st_dev,
                    {.on_access = [](uint64_t) {},
                     .on_lost =
                         [this] {
                           if (++told_ < kMany) Read();
                         }});
  watch.Watch({{kDevice, stat_.st_ino, "."}});
  watch.AwaitMarks(std::chrono::seconds(60));
  ASSERT_TRUE(watch.Collect(kDevice));
  const unsigned before = told_;
  Read();
  ASSERT_TRUE(watch.Collect(kDevice));
  EXPECT_GT(told_, before) << "what was read before is told";
  EXPECT_LT(told_, kMany) << "what is read meanwhile is not waited for";
}

}  // namespace
}  // namespace grabfs
