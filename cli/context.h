// SPDX-License-Identifier: Apache-2.0
//
// All that a verb may know of the world outside its arguments. main() fills it with the real
// things; a unit test with string streams and a directory of its own, so that every verb runs
// in-process.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>

namespace grabfs::cli {

// Where the system keeps what the CLI looks at.
struct SystemPaths {
  std::filesystem::path proc = "/proc";
  std::filesystem::path sys = "/sys";
  std::filesystem::path dev = "/dev";
};

struct Context {
  std::ostream& out;  // data
  std::ostream& err;  // messages
  // The value of an environment variable; empty when it is not set.
  std::function<std::string(const std::string& name)> environment;
  // Where this program lies: `grabfs` is looked for beside it.
  std::filesystem::path program_directory;
  SystemPaths system;
  // A person is watching `err`: a progress bar is welcome.
  bool err_is_terminal = false;
};

}  // namespace grabfs::cli
