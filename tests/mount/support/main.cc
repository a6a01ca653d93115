// SPDX-License-Identifier: Apache-2.0
//
// main() of the mount tests: GoogleTest's, with a report that can still be written when the test
// has given up root.
#include <gtest/gtest.h>

#include "tests/mount/support/environment.h"

int main(int argc, char** argv) {
  grabfs::mount_test::KeepReportWritable();
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
