// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli: the command line to a grabfs mount. All that it does, it does through the files of
// the mount.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "cli/base/text_only.h"
#include "cli/command/run.h"

namespace {

std::string Environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

std::filesystem::path ProgramDirectory() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  const bool out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
  grabfs::cli::TextOnly text_only(std::cout);
  std::ostream terminal(&text_only);
  grabfs::cli::Context context = {
      .out = out_is_terminal ? terminal : std::cout,
      .err = std::cerr,
      .environment = Environment,
      .program_directory = ProgramDirectory(),
      .system = {},
      .out_is_terminal = out_is_terminal,
      .err_is_terminal = ::isatty(STDERR_FILENO) == 1,
  };
  const std::vector<std::string> args(argv + (argc > 0 ? 1 : 0), argv + argc);
  return static_cast<int>(grabfs::cli::Run(args, context));
}
