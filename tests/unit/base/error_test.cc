// SPDX-License-Identifier: Apache-2.0
//
// Errors carry an errno value and one complete line.
#include "fusefs/base/error.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <new>
#include <stdexcept>

namespace grabfs {
namespace {

TEST(Error, CarriesItsCodeAndItsMessage) {
  const Error error(EBUSY, "cam0: capturing");
  EXPECT_EQ(error.code(), EBUSY);
  EXPECT_STREQ(error.what(), "cam0: capturing");
}

TEST(Error, ThrowErrnoSaysWhatFailedAndWhy) {
  errno = ENOENT;
  try {
    ThrowErrno("/dev/grabdma0");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ENOENT);
    EXPECT_STREQ(error.what(), "/dev/grabdma0: No such file or directory");
  }
}

TEST(Error, CheckSyscallPassesSuccessOn) {
  EXPECT_EQ(CheckSyscall(0, "zero"), 0);
  EXPECT_EQ(CheckSyscall(7L, "seven"), 7L);
}

TEST(Error, CheckSyscallThrowsForAFailedCall) {
  try {
    CheckSyscall(::open("/no/such/file", O_RDONLY | O_CLOEXEC), "open");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ENOENT);
  }
}

TEST(Error, WhateverIsThrownCanBeAnError) {
  const auto from = [](auto thrown) { return ErrorFrom(std::make_exception_ptr(thrown)); };
  EXPECT_EQ(from(Error(EBUSY, "busy")).code(), EBUSY);
  EXPECT_STREQ(from(Error(EBUSY, "busy")).what(), "busy");
  EXPECT_EQ(from(std::bad_alloc()).code(), ENOMEM);
  EXPECT_EQ(from(std::runtime_error("odd")).code(), EIO);
  EXPECT_STREQ(from(std::runtime_error("odd")).what(), "internal error: odd");
  EXPECT_EQ(from(1).code(), EIO);
}

TEST(Error, KnowsTheTextOfEveryErrno) {
  EXPECT_EQ(ErrnoText(EINVAL), "Invalid argument");
  EXPECT_FALSE(ErrnoText(99999).empty());
}

}  // namespace
}  // namespace grabfs
