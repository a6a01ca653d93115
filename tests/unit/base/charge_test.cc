// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/charge.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "fusefs/base/unique_fd.h"

namespace grabfs {
namespace {

TEST(Charge, TheWorkIsDoneByAnotherProcess) {
  auto* const shared = static_cast<pid_t*>(
      ::mmap(nullptr, sizeof(pid_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(shared, MAP_FAILED);
  const ChargedWork done = RunCharged(::getpid(), [shared] {
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
  EXPECT_EQ(RunCharged(0, [&in] { return ::write(in.get(), "x", 1) == 1 ? 0 : errno; }).error, 0);
  char c = 0;
  EXPECT_EQ(::read(out.get(), &c, 1), 1);
  EXPECT_EQ(c, 'x');
}

TEST(Charge, FailuresAreReported) {
  EXPECT_EQ(RunCharged(0, [] { return ENOSPC; }).error, ENOSPC);
}

TEST(Charge, AKilledChildIsWantOfMemory) {
  EXPECT_EQ(RunCharged(0, [] { return ::raise(SIGKILL); }).error, ENOMEM);
}

TEST(Charge, NobodyIsChargedForAProcessThatIsNotThere) {
  EXPECT_FALSE(RunCharged(0, [] { return 0; }).to_caller);
}

}  // namespace
}  // namespace grabfs
