// SPDX-License-Identifier: Apache-2.0
//
// The test can fail: every mutant is found, and what finds it becomes a short script that finds it
// again. And it can pass: tmpfs does not differ from itself.
#include <gtest/gtest.h>

#include "tests/mount/differential/campaign.h"
#include "tests/mount/differential/mutants.h"
#include "tests/mount/differential/oracle.h"

namespace grabfs::differential {
namespace {

constexpr uint64_t kBytes = 12220;
constexpr const char* kTmpfs = "/dev/shm";

class SelfTest : public ::testing::Test {
 protected:
  [[nodiscard]] Stage MakeStage(Performer performer) const {
    return {subject_.paths(), oracle_.paths(), {kBytes, true, oracle_.KnowsDirect()}, performer};
  }

 private:
  const Oracle subject_{kTmpfs, kBytes};
  const Oracle oracle_{kTmpfs, kBytes};
};

TEST_F(SelfTest, TmpfsDoesNotDifferFromItself) {
  const Campaign campaign = RunCampaign(MakeStage(PerformRightly), 1, 20000);
  EXPECT_FALSE(campaign.failure) << Describe(*campaign.failure);
  EXPECT_GE(campaign.operations, 20000U);
}

TEST_F(SelfTest, EveryVerbSucceedsNowAndThen) {
  const Campaign campaign = RunCampaign(MakeStage(PerformRightly), 1, 20000);
  for (size_t i = 0; i < Verbs().size(); i++) {
    EXPECT_GT(campaign.tallies[i].succeeded, 0U) << Verbs()[i].name;
  }
}

TEST_F(SelfTest, AnOperationThatDoesNotReturnIsFoundAndEnded) {
  Stage stage = MakeStage(NeverReturn);
  stage.patience = std::chrono::seconds(1);
  const Played played = Play(ParseScript("size 12220\n0 close\n1 close\n"), stage);
  ASSERT_TRUE(played.mismatch);
  EXPECT_EQ(played.mismatch->what, "the operation does not return");
}

class MutantTest : public SelfTest, public ::testing::WithParamInterface<Mutant> {};

TEST_P(MutantTest, IsFoundByAShortScript) {
  const Stage stage = MakeStage(GetParam().performer);
  const Campaign campaign = RunCampaign(stage, 1, 100000);
  ASSERT_TRUE(campaign.failure);
  const std::string text = Describe(*campaign.failure);
  EXPECT_LE(campaign.failure->script.operations.size(), 6U) << text;
  const Played again = Play(ParseScript(text), stage);
  ASSERT_TRUE(again.mismatch) << text;
  EXPECT_EQ(again.mismatch->what, campaign.failure->mismatch.what);
  EXPECT_FALSE(Play(ParseScript(text), MakeStage(PerformRightly)).mismatch) << text;
}

INSTANTIATE_TEST_SUITE_P(All, MutantTest, ::testing::ValuesIn(Mutants()), [](const auto& test) {
  std::string name(test.param.name);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

}  // namespace
}  // namespace grabfs::differential
