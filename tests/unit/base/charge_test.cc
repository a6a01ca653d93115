// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/charge.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>

#include "fusefs/base/unique_fd.h"

namespace grabfs {
namespace {

TEST(Charge, TheWorkIsDoneByAnotherProcess) {
  auto* const shared = static_cast<pid_t*>(
      ::mmap(nullptr, sizeof(pid_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(shared, MAP_FAILED);
  const ChargedWork done = RunCharged(Account::Of(::getpid()), [shared] {
    *shared = ::getpid();
    return 0;
  });
  EXPECT_EQ(done.error, 0);
  EXPECT_NE(*shared, 0);
  EXPECT_NE(*shared, ::getpid());
  ::munmap(shared, sizeof(pid_t));
}

TEST(Charge, ItSharesDescriptors) {
  int pipe[2] = {-1, -1};
  ASSERT_EQ(::pipe(pipe), 0);
  const UniqueFd in(pipe[1]);
  const UniqueFd out(pipe[0]);
  EXPECT_EQ(
      RunCharged(Account(), [&in] { return ::write(in.get(), "x", 1) == 1 ? 0 : errno; }).error, 0);
  char c = 0;
  EXPECT_EQ(::read(out.get(), &c, 1), 1);
  EXPECT_EQ(c, 'x');
}

TEST(Charge, FailuresAreReported) {
  EXPECT_EQ(RunCharged(Account(), [] { return ENOSPC; }).error, ENOSPC);
}

TEST(Charge, AKilledChildIsWantOfMemory) {
  EXPECT_EQ(RunCharged(Account(), [] { return ::raise(SIGKILL); }).error, ENOMEM);
}

TEST(Charge, NobodyIsChargedForAProcessThatIsNotThere) {
  EXPECT_FALSE(RunCharged(Account::Of(0), [] { return 0; }).to_caller);
}

TEST(Charge, WorkThatHangsCanBeGivenUp) {
  std::atomic<int> asked = 0;
  const ChargedWork done = RunCharged(
      Account(), [] { return ::pause(); }, [&asked] { return ++asked == 2; });
  EXPECT_EQ(done.error, EINTR);
  EXPECT_EQ(asked, 2);
}

// Somebody stops it when the process that pays has gone already.
TEST(Charge, AWorkerThatIsStoppedAtItsEndCanBeGivenUp) {
  const auto stop_at_end = [] {
    ::kill(::getpgrp(), SIGKILL);  // the payer, which leads the group
    return ::raise(SIGSTOP);
  };
  EXPECT_EQ(RunCharged(Account(), stop_at_end, [] { return true; }).error, EINTR);
}

TEST(Charge, NobodyIsLeftBehind) {
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(RunCharged(Account(), [] { return 0; }).error, 0);
    ASSERT_EQ(RunCharged(
                  Account(), [] { return ::pause(); }, [] { return true; })
                  .error,
              EINTR);
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace grabfs
