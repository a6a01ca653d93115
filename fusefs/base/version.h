// SPDX-License-Identifier: Apache-2.0
//
// The version of grabfs: the only place that states it.
#pragma once

#include <string>

namespace grabfs {

inline constexpr char kVersion[] = "0.1.0";

// "PROGRAM 0.1.0 (commit 1234abc)\n", as --version prints it. Without the commit unless the build
// was given it (tools/package.sh and tools/release.sh do that).
std::string VersionLine(const std::string& program);

}  // namespace grabfs
