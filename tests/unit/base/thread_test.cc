// SPDX-License-Identifier: Apache-2.0
//
// What becomes of an exception that nobody expected.
#include "fusefs/base/thread.h"

#include <gtest/gtest.h>

#include <csignal>
#include <stdexcept>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

TEST(Thread, CatchAndLogLetsNoExceptionThrough) {
  EXPECT_TRUE(CatchAndLog("test", [] {}));
  EXPECT_FALSE(CatchAndLog("test", [] { throw Error(EIO, "expected"); }));
  EXPECT_FALSE(CatchAndLog("test", [] { throw std::runtime_error("unexpected"); }));
  EXPECT_FALSE(CatchAndLog("test", [] { throw 1; }));
}

TEST(Thread, AThreadThatThrowsEndsAlone) {
  StartThread("test", [] { throw std::runtime_error("unexpected"); }).join();
}

TEST(Thread, ItTakesNoSignals) {
  bool blocked = false;
  StartThread("test", [&blocked] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    blocked = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGINT) == 1;
  }).join();
  EXPECT_TRUE(blocked);
  sigset_t own;
  pthread_sigmask(SIG_SETMASK, nullptr, &own);
  EXPECT_EQ(sigismember(&own, SIGTERM), 0);
}

}  // namespace
}  // namespace grabfs
