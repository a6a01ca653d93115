// SPDX-License-Identifier: Apache-2.0
//
// What an administrator may have told the kernel about requests that wait.
#include "fusefs/base/request_timeout.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace grabfs {
namespace {

class RequestTimeoutTest : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(directory_); }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  void Set(const std::string& name, unsigned seconds) const {
    std::ofstream(directory_ + "/" + name) << seconds << '\n';
  }

  const std::string directory_ = ::testing::TempDir() + "fuse-sysctls";
};

TEST_F(RequestTimeoutTest, WithoutThemNobodyIsWarned) {
  EXPECT_EQ(WantedRequestTimeout(directory_), 0);  // before Linux 6.14
  EXPECT_FALSE(RequestTimeoutWarning(directory_));
  Set("default_request_timeout", 0);
  Set("max_request_timeout", 0);
  EXPECT_EQ(WantedRequestTimeout(directory_), 0);
  EXPECT_FALSE(RequestTimeoutWarning(directory_));
}

TEST_F(RequestTimeoutTest, ADefaultIsReplacedByTheLongestTime) {
  Set("default_request_timeout", 60);
  Set("max_request_timeout", 0);
  EXPECT_EQ(WantedRequestTimeout(directory_), UINT16_MAX);
  const auto warning = RequestTimeoutWarning(directory_);
  ASSERT_TRUE(warning);
  EXPECT_NE(warning->find("65535 seconds"), std::string::npos) << *warning;
  EXPECT_NE(warning->find("sysctl fs.fuse.default_request_timeout=0"), std::string::npos);
}

TEST_F(RequestTimeoutTest, ALimitStaysAndIsToldOf) {
  Set("default_request_timeout", 60);
  Set("max_request_timeout", 90);
  const auto warning = RequestTimeoutWarning(directory_);
  ASSERT_TRUE(warning);
  EXPECT_NE(warning->find(" 90 seconds"), std::string::npos) << *warning;
  EXPECT_NE(warning->find("sysctl fs.fuse.max_request_timeout=0"), std::string::npos);
}

}  // namespace
}  // namespace grabfs
