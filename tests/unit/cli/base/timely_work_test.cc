// SPDX-License-Identifier: Apache-2.0
#include "cli/base/timely_work.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "fusefs/base/error.h"

namespace grabfs::cli {
namespace {

TEST(TimelyWork, ItsResultComes) {
  const std::string long_text(3'000'000, 'x');
  TimelyWork work([&] { return long_text; });
  EXPECT_EQ(work.Await(Deadline::Never()), long_text);
}

TEST(TimelyWork, WhatItThrowsIsThrown) {
  TimelyWork work([]() -> std::string { throw Error(ENOTCONN, "gone"); });
  try {
    work.Await(Deadline::Never());
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ENOTCONN);
    EXPECT_STREQ(error.what(), "gone");
  }
}

TEST(TimelyWork, NobodyWaitsForWhatDoesNotReturn) {
  TimelyWork work([]() -> std::string {
    for (;;) ::pause();
  });
  EXPECT_EQ(work.Await(Deadline::After(0.01)), std::nullopt);
  EXPECT_EQ(work.Await(Deadline::After(0.0)), std::nullopt);
}

TEST(TimelyWork, ADeadProcessIsAnError) {
  TimelyWork work([]() -> std::string { ::_exit(7); });
  EXPECT_THROW(work.Await(Deadline::Never()), Error);
}

TEST(TimelyWork, AnEndlessTextIsAnError) {
  TimelyWork work([] { return std::string(size_t{17} << 20, 'x'); });
  try {
    work.Await(Deadline::Never());
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), EMSGSIZE);
  }
}

TEST(TimelyWork, ItKeepsNoDescriptorOpen) {
  std::array<int, 2> ends = {-1, -1};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const TimelyWork work([]() -> std::string {
    for (;;) ::pause();
  });
  ::close(ends[1]);
  pollfd end = {ends[0], POLLIN, 0};
  EXPECT_EQ(::poll(&end, 1, 10'000), 1) << "somebody else has the other end";
  ::close(ends[0]);
}

}  // namespace
}  // namespace grabfs::cli
