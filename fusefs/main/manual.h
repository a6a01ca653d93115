// SPDX-License-Identifier: Apache-2.0
//
// docs/grabfs.md, made of the help text that the daemon prints and of the tables of its options.
#pragma once

#include <string>

namespace grabfs {

std::string Manual();

}  // namespace grabfs
