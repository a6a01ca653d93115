// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "fusefs/source/exec/exec_options.h"
#include "fusefs/source/exec/y4m_input.h"

namespace grabfs {

// The stream header of the program, which runs for so long only. `description` begins messages.
// Throws Error: EIO with the last words of a program that ends before, ETIMEDOUT.
Y4mHeader AskProgram(const std::string& description, const ExecOptions& options);

}  // namespace grabfs
