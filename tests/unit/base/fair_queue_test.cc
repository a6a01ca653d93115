// SPDX-License-Identifier: Apache-2.0
//
// FairQueue: first come, first served, but an owner whose jobs hang does not delay the others.
#include "fusefs/base/fair_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace grabfs {
namespace {

constexpr JobOwner kCamera{.place = 1, .user = 1000};
constexpr JobOwner kOtherCamera{.place = 2, .user = 1000};
constexpr JobOwner kOtherUser{.place = 1, .user = 1001};

// What is served now, in the order of service.
std::vector<std::string> TakeAll(FairQueue<std::string>& queue) {
  std::vector<std::string> taken;
  while (auto job = queue.Next()) taken.push_back(job->item);
  return taken;
}

TEST(FairQueue, FirstComeFirstServed) {
  FairQueue<std::string> queue(2);
  queue.Add({kCamera, "a"});
  queue.Add({kOtherCamera, "b"});
  queue.Add({kCamera, "c"});
  EXPECT_EQ(TakeAll(queue), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_FALSE(queue.Ready());
}

TEST(FairQueue, OneOwnerRunsNoMoreThanItsLimit) {
  FairQueue<std::string> queue(2);
  for (const char* name : {"a", "b", "c", "d"}) queue.Add({kCamera, name});
  queue.Add({kOtherCamera, "e"});
  queue.Add({kOtherUser, "f"});
  EXPECT_EQ(TakeAll(queue), (std::vector<std::string>{"a", "b", "e", "f"}));
  EXPECT_EQ(queue.waiting(), 2U);
  EXPECT_FALSE(queue.Ready());
}

TEST(FairQueue, AJobThatIsDoneLetsTheNextOfItsOwnerRun) {
  FairQueue<std::string> queue(1);
  for (const char* name : {"a", "b", "c"}) queue.Add({kCamera, name});
  EXPECT_EQ(TakeAll(queue), (std::vector<std::string>{"a"}));
  queue.Done(kCamera);
  EXPECT_TRUE(queue.Ready());
  EXPECT_EQ(TakeAll(queue), (std::vector<std::string>{"b"}));
  queue.Done(kCamera);
  EXPECT_EQ(TakeAll(queue), (std::vector<std::string>{"c"}));
  queue.Done(kCamera);
  EXPECT_FALSE(queue.Ready());
}

}  // namespace
}  // namespace grabfs
