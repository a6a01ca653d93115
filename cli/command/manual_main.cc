// SPDX-License-Identifier: Apache-2.0
//
// Prints docs/cli.md.
#include <iostream>

#include "cli/command/manual.h"

int main() { std::cout << grabfs::cli::Manual(); }
