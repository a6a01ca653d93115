// SPDX-License-Identifier: Apache-2.0
//
// gtest's main, in a network of its own.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/unit/source/aravis/own_network.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const std::string why = grabfs::EnterOwnNetwork();
  if (!why.empty()) {
    std::fprintf(stderr, "%s\n", why.c_str());
    return 1;
  }
  return RUN_ALL_TESTS();
}
