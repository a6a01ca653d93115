// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/support/users.h"

#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fusefs/base/error.h"
#include "tests/mount/support/process.h"

namespace grabfs::mount_test {

void Become(const User& user) {
  CheckSyscall(::setgroups(0, nullptr), "setgroups");
  CheckSyscall(::setresgid(user.gid, user.gid, user.gid), "setresgid");
  CheckSyscall(::setresuid(user.uid, user.uid, user.uid), "setresuid");
  // A change of user hides /proc/self from its owner.
  CheckSyscall(::prctl(PR_SET_DUMPABLE, 1), "prctl");
}

int RunAs(const User& user, const std::function<int()>& body) {
  Child child([&](Child::Parent) {
    Become(user);
    return body();
  });
  return child.Wait();
}

}  // namespace grabfs::mount_test
