// SPDX-License-Identifier: Apache-2.0
//
// A command line as data: what its parser accepts. It is read from the parser itself, so that
// completion in shells and the help text cannot differ from what the program does.
#pragma once

#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): not ours
class App;
}  // namespace CLI

namespace grabfs {

struct CommandOption {
  std::vector<std::string> names;  // with their dashes, the long ones first
  std::string value;               // placeholder of its value in the help; empty: it takes none
  std::string help;                // on one line
};

// The name of an argument is its type name in CLI11, whose own names may have letters only.
struct CommandArgument {
  std::string name;
  std::string help;
  bool many = false;  // it takes all remaining words
};

struct Command {
  std::string program;      // as it is typed, with its verb
  std::string description;  // may have several lines
  std::vector<CommandOption> options;
  std::vector<CommandArgument> arguments;
  std::string footer;
};

Command DescribeCommand(const CLI::App& app);

}  // namespace grabfs
