// SPDX-License-Identifier: Apache-2.0
//
// docs/cli.md must be what the program says today.
#include "cli/command/manual.h"

#include <gtest/gtest.h>

#include "tests/unit/cli/fake_mount.h"

namespace grabfs::cli {
namespace {

TEST(Manual, TheDocumentIsNotStale) {
  // Compared here, because googletest would print both.
  EXPECT_TRUE(ReadText("docs/cli.md") == Manual())
      << "bazel run //cli/command:manual > docs/cli.md brings it up to date";
}

}  // namespace
}  // namespace grabfs::cli
