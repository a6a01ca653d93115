// SPDX-License-Identifier: Apache-2.0
//
// Everything that a verb uses of the world outside its arguments. main() fills in the real objects;
// a unit test uses string streams and a directory of its own, and runs every verb in-process.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>

namespace grabfs::cli {

// The system directories that the CLI reads.
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
  // The directory of this program; `grabfs` is first looked for there.
  std::filesystem::path program_directory;
  SystemPaths system;
  // Who runs it.
  uid_t user = ::geteuid();
  // `out` is a terminal: nothing but text may be shown.
  bool out_is_terminal = false;
  // `err` is a terminal: a progress bar may be shown.
  bool err_is_terminal = false;
  // --quiet: nothing but errors on `err`.
  bool quiet = false;

  [[nodiscard]] bool shows_progress() const { return err_is_terminal && !quiet; }
  // Prints a message of one line.
  void Warn(const std::string& text) const;
  // The same, of one that is no error.
  void Remark(const std::string& text) const;
};

}  // namespace grabfs::cli
