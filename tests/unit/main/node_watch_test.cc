// SPDX-License-Identifier: Apache-2.0
//
// Nodes that appear, become usable later, or vanish before they do.
#include "fusefs/main/node_watch.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <vector>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

namespace fs = std::filesystem;
using Answer = NodeWatch::Answer;
using std::chrono::milliseconds;

class NodeWatchTest : public testing::Test {
 protected:
  NodeWatchTest() {
    std::string name = testing::TempDir() + "/nodes-XXXXXX";
    directory_ = mkdtemp(name.data());
  }
  ~NodeWatchTest() override {
    watch_.reset();
    fs::remove_all(directory_);
  }

  void Watch() { watch_ = std::make_unique<NodeWatch>(directory_, "grabdma"); }
  void Start() {
    watch_->Start([this](const std::string& path, bool last) { return OnNode(path, last); });
  }
  void Create(const std::string& name) { std::ofstream(directory_ + "/" + name).close(); }

  // Waits until the watch has told of nodes so many times.
  bool WaitForCalls(size_t count, milliseconds patience = milliseconds(10000)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return calls_.size() >= count; });
  }
  std::vector<std::string> Calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  void SetAnswer(Answer answer) {
    const std::lock_guard lock(mutex_);
    answer_ = answer;
  }

  std::string directory_;
  std::unique_ptr<NodeWatch> watch_;
  size_t last_calls_ = 0;

 private:
  Answer OnNode(const std::string& path, bool last) {
    const std::lock_guard lock(mutex_);
    calls_.push_back(fs::path(path).filename());
    last_calls_ += last;
    changed_.notify_all();
    return answer_;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> calls_;
  Answer answer_ = Answer::kDone;
};

TEST_F(NodeWatchTest, ListsNodesByNumber) {
  for (const char* name : {"grabdma10", "grabdma2", "grabdma", "grabdma3x", "video0"}) Create(name);
  std::vector<std::string> names;
  for (const auto& [number, path] : ListNodes(directory_, "grabdma")) {
    names.push_back(fs::path(path).filename());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"grabdma2", "grabdma10"}));
  EXPECT_TRUE(ListNodes(directory_ + "/absent", "grabdma").empty());
}

TEST_F(NodeWatchTest, TellsOfNodesThatAppear) {
  Watch();
  Start();
  Create("video0");
  Create("grabdma0");
  Create("grabdma7");
  ASSERT_TRUE(WaitForCalls(2));
  EXPECT_EQ(Calls(), (std::vector<std::string>{"grabdma0", "grabdma7"}));
}

TEST_F(NodeWatchTest, MissesNothingBetweenConstructionAndStart) {
  Create("grabdma0");
  Watch();
  Create("grabdma1");
  Start();
  ASSERT_TRUE(WaitForCalls(1));
  EXPECT_EQ(Calls(), std::vector<std::string>{"grabdma1"});
}

TEST_F(NodeWatchTest, TellsAgainWhenAskedTo) {
  SetAnswer(Answer::kLater);
  Watch();
  Start();
  Create("grabdma0");
  ASSERT_TRUE(WaitForCalls(3));
  SetAnswer(Answer::kDone);
  const size_t calls = Calls().size();
  EXPECT_FALSE(WaitForCalls(calls + 2, 5 * NodeWatch::kRetryInterval));
}

TEST_F(NodeWatchTest, GivesUpUntilTheModeChanges) {
  SetAnswer(Answer::kLater);
  Watch();
  Start();
  Create("grabdma0");
  const size_t tries = static_cast<size_t>(NodeWatch::kPatience / NodeWatch::kRetryInterval);
  WaitForCalls(2 * tries, NodeWatch::kPatience + milliseconds(2000));
  const size_t calls = Calls().size();
  EXPECT_EQ(last_calls_, 1u);
  EXPECT_FALSE(WaitForCalls(calls + 1, 3 * NodeWatch::kRetryInterval));
  SetAnswer(Answer::kDone);
  ASSERT_EQ(chmod((directory_ + "/grabdma0").c_str(), 0660), 0);
  EXPECT_TRUE(WaitForCalls(calls + 1));
}

TEST_F(NodeWatchTest, TellsWhenWhatWasExpectedBecomesUsable) {
  Create("grabdma0");
  Watch();
  watch_->Expect(directory_ + "/grabdma0");
  Start();
  EXPECT_FALSE(WaitForCalls(1, NodeWatch::kRetryInterval));
  ASSERT_EQ(chmod((directory_ + "/grabdma0").c_str(), 0660), 0);
  EXPECT_TRUE(WaitForCalls(1));
}

TEST_F(NodeWatchTest, AChangeOfModeOfWhatIsDoneDoesNotMatter) {
  Watch();
  Start();
  Create("grabdma0");
  ASSERT_TRUE(WaitForCalls(1));
  ASSERT_EQ(chmod((directory_ + "/grabdma0").c_str(), 0660), 0);
  EXPECT_FALSE(WaitForCalls(2, 3 * NodeWatch::kRetryInterval));
}

TEST_F(NodeWatchTest, ForgetsNodesThatVanish) {
  SetAnswer(Answer::kLater);
  Watch();
  Start();
  Create("grabdma0");
  ASSERT_TRUE(WaitForCalls(1));
  fs::remove(directory_ + "/grabdma0");
  WaitForCalls(100, 3 * NodeWatch::kRetryInterval);
  const size_t calls = Calls().size();
  EXPECT_FALSE(WaitForCalls(calls + 1, 3 * NodeWatch::kRetryInterval));
}

TEST_F(NodeWatchTest, EndsWhileANodeIsPending) {
  SetAnswer(Answer::kLater);
  Watch();
  Start();
  Create("grabdma0");
  ASSERT_TRUE(WaitForCalls(1));
  watch_.reset();
}

TEST_F(NodeWatchTest, AnAbsentDirectoryIsAnError) {
  EXPECT_THROW(NodeWatch(directory_ + "/absent", "grabdma"), Error);
}

}  // namespace
}  // namespace grabfs
