// SPDX-License-Identifier: Apache-2.0
#include "cli/base/context.h"

#include <ostream>

#include "cli/base/text.h"

namespace grabfs::cli {

void Context::Remark(const std::string& text) const {
  if (!quiet) Warn(text);
}

void Context::Warn(const std::string& text) const {
  err << "grabfs-cli: " << OneLine(text) << '\n';
}

}  // namespace grabfs::cli
