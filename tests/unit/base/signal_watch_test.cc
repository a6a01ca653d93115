// SPDX-License-Identifier: Apache-2.0
//
// Signals that ask for the end: they wait, arrive once, and kill nobody while they are watched.
#include "fusefs/base/signal_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <future>

namespace grabfs {
namespace {

constexpr std::chrono::seconds kPatience{30};

bool IsBlocked(int signal) {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return sigismember(&mask, signal) == 1;
}

TEST(SignalWatch, ReportsEachOfTheSignalsThatAskForTheEnd) {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    std::promise<int> reported;
    SignalWatch watch;
    watch.Start([&reported](int number) { reported.set_value(number); });
    ASSERT_EQ(::kill(::getpid(), signal), 0);
    auto report = reported.get_future();
    ASSERT_EQ(report.wait_for(kPatience), std::future_status::ready);
    EXPECT_EQ(report.get(), signal);
  }
}

TEST(SignalWatch, ASignalThatCameBeforeTheStartWaits) {
  SignalWatch watch;
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  std::promise<int> reported;
  watch.Start([&reported](int number) { reported.set_value(number); });
  EXPECT_EQ(reported.get_future().get(), SIGTERM);
}

TEST(SignalWatch, EndsWithoutASignal) {
  SignalWatch watch;
  watch.Start([](int number) { FAIL() << "signal " << number; });
}

TEST(SignalWatch, GivesTheSignalsTheirFormerEffectBack) {
  ASSERT_FALSE(IsBlocked(SIGTERM));
  {
    const SignalWatch watch;
    EXPECT_TRUE(IsBlocked(SIGTERM));
  }
  EXPECT_FALSE(IsBlocked(SIGTERM));
}

TEST(SignalWatch, AClosedPipeIsAnErrorAndNoSignal) {
  const SignalWatch watch;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  EXPECT_EQ(::write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  ::close(ends[1]);
}

}  // namespace
}  // namespace grabfs
