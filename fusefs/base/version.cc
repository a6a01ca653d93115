// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/version.h"

#include "fusefs/base/build_label.h"

namespace grabfs {

std::string VersionLine(const std::string& program) {
  const std::string commit = kBuildLabel;
  return program + " " + kVersion + (commit.empty() ? "" : " (commit " + commit + ")") + "\n";
}

}  // namespace grabfs
