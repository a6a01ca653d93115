// SPDX-License-Identifier: Apache-2.0
//
// docs/grabfs.md must be what the program says today.
#include "fusefs/main/manual.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace grabfs {
namespace {

TEST(DaemonManual, TheDocumentIsNotStale) {
  std::ostringstream document;
  document << std::ifstream("docs/grabfs.md").rdbuf();
  // Compared here, because googletest would print both.
  EXPECT_TRUE(document.str() == Manual())
      << "bazel run //fusefs/main:manual > docs/grabfs.md brings it up to date";
}

}  // namespace
}  // namespace grabfs
