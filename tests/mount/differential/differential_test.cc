// SPDX-License-Identifier: Apache-2.0
//
// "Everything else behaves as on tmpfs": random operations of several processes and threads have
// the same outcome on the buffers of a device and on files of tmpfs, but for what
// docs/differences.md lists. The device is stopped, so nobody else writes.
//
// GRABFS_TEST_OPERATIONS: how many, over all sizes. GRABFS_TEST_SEED: the first seed; a failure
// tells the one that it comes from.
#include <cstdlib>
#include <iostream>

#include "tests/mount/differential/campaign.h"
#include "tests/mount/differential/oracle.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::differential {
namespace {

uint64_t NumberFromEnvironment(const char* name, uint64_t otherwise) {
  const char* const value = std::getenv(name);
  return value ? std::stoull(value) : otherwise;
}

// Three data paths with so many each are more than a million.
constexpr uint64_t kOperations = 340000;

struct Size {
  const char* name;
  unsigned width;
  unsigned height;
  unsigned percent;  // of the operations
};

void PrintTo(const Size& size, std::ostream* stream) { *stream << size.name; }

constexpr Size kSizes[] = {
    {"OnePage", 64, 64, 30},
    {"PagesAndAPart", 130, 94, 60},
    {"ManyPages", 1030, 258, 10},
};

class DifferentialTest : public mount_test::MountTest, public ::testing::WithParamInterface<Size> {
 protected:
  void SetUp() override {
    mount_test::EnvironmentTest::SetUp();
    if (IsSkipped()) return;
    const auto& [name, width, height, percent] = GetParam();
    Start({{"sim0=pattern,format=GREY,width=" + std::to_string(width) +
            ",height=" + std::to_string(height) + ",rate=0,buffers=2,state=stopped"},
           {}});
  }
};

TEST_P(DifferentialTest, BuffersBehaveAsFilesOfTmpfs) {
  const Paths buffers{device().Buffer(0), device().Buffer(1)};
  const auto bytes = static_cast<uint64_t>(mount_test::Stat(buffers[0]).st_size);
  const Oracle oracle("/dev/shm", bytes);
  const uint64_t seed = NumberFromEnvironment("GRABFS_TEST_SEED", 1);
  const uint64_t operations =
      NumberFromEnvironment("GRABFS_TEST_OPERATIONS", kOperations) * GetParam().percent / 100;
  const bool passthrough = mount_test::ActiveDataPath() == mount_test::DataPath::kPassthrough;
  const Stage stage{buffers,
                    oracle.paths(),
                    {bytes, passthrough, oracle.KnowsDirect()},
                    passthrough ? PerformOnPassedThroughFile : PerformOnCachedFile};
  const Campaign campaign = RunCampaign(stage, seed, operations);
  std::cout << "seeds from " << seed << " on: " << campaign.operations << " operations\n"
            << Describe(campaign.tallies);
  EXPECT_FALSE(campaign.failure) << Describe(*campaign.failure)
                                 << "repeat: --test_env=GRABFS_TEST_SEED=" << campaign.failure->seed
                                 << ", or play the script: bazel run //tests/mount/differential -- "
                                    "--script FILE BUFFER BUFFER";
}

INSTANTIATE_TEST_SUITE_P(Sizes, DifferentialTest, ::testing::ValuesIn(kSizes),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace grabfs::differential
