// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "fusefs/source/exec/keeper.h"

int main(int argc, char** argv) {
  if (grabfs::Keeper::IsKeeper(argc, argv)) return grabfs::Keeper::Main(argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
