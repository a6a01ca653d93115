// SPDX-License-Identifier: Apache-2.0
//
// The users of multi-user tests. The kernel knows only their numbers, so they need no accounts.
#pragma once

#include <sys/types.h>

#include <functional>

namespace grabfs::mount_test {

struct User {
  const char* name;
  uid_t uid;
  gid_t gid;
};

inline constexpr User kSuperuser{"root", 0, 0};
inline constexpr User kOwner{"owner", 61001, 61000};
inline constexpr User kColleague{"colleague", 61002, 61000};  // of the owner's group
inline constexpr User kStranger{"stranger", 61003, 61003};

// The calling process becomes the user for good, with no other groups. Needs root; throws Error.
void Become(const User& user);
// Runs `body` in a child process of that user, and returns its exit status. Needs root.
int RunAs(const User& user, const std::function<int()>& body);

}  // namespace grabfs::mount_test
