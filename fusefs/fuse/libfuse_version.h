// SPDX-License-Identifier: Apache-2.0
//
// The libfuse that is compiled in.
#pragma once

#include <string>

namespace grabfs {

std::string LibfuseVersion();

}  // namespace grabfs
