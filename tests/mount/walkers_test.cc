// SPDX-License-Identifier: Apache-2.0
//
// Programs that walk through trees come to an end: they meet links instead of files that are read
// like pipes.
#include <fcntl.h>
#include <unistd.h>

#include <iostream>
#include <string>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

// A line of shell that reads all of the tree $TREE. It runs in a directory of its own.
struct Walker {
  const char* name;
  const char* line;
};

void PrintTo(const Walker& walker, std::ostream* stream) { *stream << walker.name; }

std::string NameOf(const ::testing::TestParamInfo<Walker>& test) { return test.param.name; }

class WalkersTest : public MountTest, public ::testing::WithParamInterface<Walker> {};

TEST_P(WalkersTest, ComesToAnEnd) {
  device().Capture(2);
  const CommandResult result =
      RunShell("cd " + MakeScratchDirectory("walker") + " && export TREE=" + device().Path("") +
               " && timeout " + "60 sh -ec '" + GetParam().line + "'");
  EXPECT_EQ(result.status, 0) << result.err;
}

INSTANTIATE_TEST_SUITE_P(
    Programs, WalkersTest,
    ::testing::Values(Walker{"cp_r", "cp -r $TREE copy && cmp copy/status.json $TREE/status.json"},
                      Walker{"cp_a", "cp -a $TREE copy && test -L copy/events"},
                      Walker{"tar", "tar -cf copy.tar -C $TREE ."},
                      Walker{"rsync", "rsync -a $TREE/ copy"},
                      Walker{"find", "find $TREE -type f -exec md5sum {} +"},
                      Walker{"grep", "grep -rc nothing-like-it $TREE || test $? = 1"},
                      Walker{"ls", "ls -lR $TREE"}, Walker{"du", "du -a $TREE"},
                      Walker{"zip", "zip -qry copy.zip $TREE"}),
    NameOf);

class LiveTest : public MountTest {};

TEST_F(LiveTest, WhatNeverEndsStandsInADirectoryThatIsNotListed) {
  std::vector<std::string> links;
  for (const std::string& name : List(device().Path(""))) {
    EXPECT_NE(name, ".live");
    if (std::filesystem::is_symlink(device().Path(name))) links.push_back(name);
  }
  EXPECT_EQ(links, List(device().Path(".live")));
  for (const std::string& name : links) {
    EXPECT_EQ(std::filesystem::read_symlink(device().Path(name)), ".live/" + name);
    EXPECT_EQ(OpenError(device().Path(name), O_RDONLY | O_NONBLOCK), 0) << name;
    EXPECT_EQ(OpenError(device().Path(name), O_RDONLY | O_NOFOLLOW), ELOOP) << name;
    EXPECT_NE(::unlink(device().Path(name).c_str()), 0);
  }
  EXPECT_FALSE(links.empty());
  EXPECT_EQ(OpenError(device().Path(".live/status.json"), O_RDONLY), ENOENT);
}

}  // namespace
}  // namespace grabfs::mount_test
