// SPDX-License-Identifier: Apache-2.0
#include "cli/base/context.h"

#include <ostream>

namespace grabfs::cli {

void Context::Remark(const std::string& text) const {
  if (!quiet) err << "grabfs-cli: " << text << '\n';
}

}  // namespace grabfs::cli
