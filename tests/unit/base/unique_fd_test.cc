// SPDX-License-Identifier: Apache-2.0
//
// Owned descriptors are closed once, and by the last owner.
#include "fusefs/base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <utility>

namespace grabfs {
namespace {

int OpenNull() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool IsOpen(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

TEST(UniqueFd, IsInvalidWithoutADescriptor) {
  const UniqueFd fd;
  EXPECT_FALSE(fd.valid());
  EXPECT_EQ(fd.get(), -1);
}

TEST(UniqueFd, ClosesAtTheEndOfItsLife) {
  const int number = OpenNull();
  {
    const UniqueFd fd(number);
    EXPECT_TRUE(fd.valid());
    EXPECT_TRUE(IsOpen(number));
  }
  EXPECT_FALSE(IsOpen(number));
}

TEST(UniqueFd, MovesOwnership) {
  const int number = OpenNull();
  UniqueFd first(number);
  const UniqueFd second(std::move(first));
  EXPECT_EQ(second.get(), number);
  EXPECT_TRUE(IsOpen(number));
}

TEST(UniqueFd, MoveAssignmentClosesWhatWasOwnedBefore) {
  const int old_number = OpenNull();
  const int new_number = OpenNull();
  UniqueFd fd(old_number);
  fd = UniqueFd(new_number);
  EXPECT_FALSE(IsOpen(old_number));
  EXPECT_EQ(fd.get(), new_number);
  EXPECT_TRUE(IsOpen(new_number));
}

TEST(UniqueFd, ReleaseGivesTheDescriptorAway) {
  int number = -1;
  {
    UniqueFd fd(OpenNull());
    number = fd.release();
    EXPECT_FALSE(fd.valid());
  }
  EXPECT_TRUE(IsOpen(number));
  ::close(number);
}

TEST(UniqueFd, ResetCloses) {
  UniqueFd fd(OpenNull());
  const int number = fd.get();
  fd.reset();
  EXPECT_FALSE(fd.valid());
  EXPECT_FALSE(IsOpen(number));
}

}  // namespace
}  // namespace grabfs
