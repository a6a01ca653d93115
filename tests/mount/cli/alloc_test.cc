// SPDX-License-Identifier: Apache-2.0
//
// Memory of one's own and holding, by the command line.
#include <signal.h>

#include "tests/mount/cli/cli_fixture.h"

namespace grabfs::mount_test {
namespace {

using CliAllocTest = CliTest;

TEST_F(CliAllocTest, AllocCaptureIntoAndFree) {
  const CommandResult made = Cli({"alloc", "mine", "--device", "sim0"});
  ASSERT_EQ(made.status, kDone) << made.err;
  const std::string path = mount().Path("alloc/sim0/mine");
  EXPECT_EQ(made.out, path + "\n");
  EXPECT_EQ(Stat(path).st_size, static_cast<off_t>(picture_.bytes()));
  for (uint64_t sequence = 0; sequence < 5; sequence++) {
    const CommandResult result = Cli({"capture", "sim0", "--into", "sim0/mine", "--json"});
    ASSERT_EQ(result.status, kDone) << result.err;
    EXPECT_EQ(nlohmann::json::parse(result.out).at("sequence"), sequence);
    EXPECT_TRUE(picture_.IsFrame(ReadFile(path), sequence));
  }
  EXPECT_EQ(Cli({"free", path}).status, kDone);
  EXPECT_FALSE(Exists(path));
}

TEST_F(CliAllocTest, RefusalsSayWhatToDo) {
  Start({{kDevice}, {"alloc_quota=1M"}});
  const CommandResult result = Cli({"alloc", "huge", "2M"});
  EXPECT_EQ(result.status, kFailed);
  EXPECT_NE(result.err.find("alloc_quota"), std::string::npos) << result.err;
  EXPECT_FALSE(Exists(mount().Path("alloc/huge")));
  EXPECT_EQ(Cli({"capture", "--into", "nothing"}).status, kFailed);
  ASSERT_EQ(Cli({"alloc", "small", "10"}).status, kDone);
  const CommandResult small = Cli({"capture", "--into", "small"});
  EXPECT_EQ(small.status, kFailed);
  EXPECT_NE(small.err.find("10 bytes"), std::string::npos) << small.err;
}

TEST_F(CliAllocTest, HoldKeepsAFrameUntilItEnds) {
  device().Capture(1);
  Process hold({CliPath(), "--mount", mount().path(), "hold"});
  ASSERT_TRUE(WaitUntil([&] { return !hold.out().empty(); })) << hold.err();
  EXPECT_EQ(hold.out(), device().Frame(0) + "\n");
  device().Capture(3 * kBuffers);
  EXPECT_TRUE(picture_.IsFrame(ReadFile(device().Frame(0)), 0));
  hold.Signal(SIGTERM);
  EXPECT_EQ(hold.Wait(), kDone);
  EXPECT_TRUE(device().IsRecycled(0));
}

}  // namespace
}  // namespace grabfs::mount_test
