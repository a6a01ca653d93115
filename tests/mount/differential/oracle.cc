// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/differential/oracle.h"

#include <linux/magic.h>
#include <stdlib.h>
#include <sys/vfs.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "fusefs/base/error.h"
#include "tests/mount/support/file.h"

namespace grabfs::differential {

Oracle::Oracle(const std::string& directory, uint64_t bytes)
    : directory_(directory + "/oracle-XXXXXX") {
  struct statfs statistics {};
  CheckSyscall(::statfs(directory.c_str(), &statistics), "statfs " + directory);
  if (statistics.f_type != TMPFS_MAGIC) throw Error(EINVAL, directory + " is not on a tmpfs");
  if (!::mkdtemp(directory_.data())) ThrowErrno("mkdtemp " + directory_);
  for (unsigned file = 0; file < kFiles; file++) {
    paths_.at(file) = directory_ + "/" + std::to_string(file);
    mount_test::CreateFile(paths_.at(file), std::vector<std::byte>(bytes));
  }
}

bool Oracle::KnowsDirect() const {
  return mount_test::OpenError(paths_.front(), O_RDWR | O_DIRECT) == 0;
}

Oracle::~Oracle() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

}  // namespace grabfs::differential
