// SPDX-License-Identifier: Apache-2.0
//
// docs/cli.md, made from the help texts that the program prints.
#pragma once

#include <string>

namespace grabfs::cli {

std::string Manual();

}  // namespace grabfs::cli
