// SPDX-License-Identifier: Apache-2.0
//
// Prints docs/grabfs.md.
#include <iostream>

#include "fusefs/main/manual.h"

int main() { std::cout << grabfs::Manual(); }
