// SPDX-License-Identifier: Apache-2.0
//
// A command line as data: what its parser accepts. Taken from the parser itself, so that whatever
// is made of it (completion in shells) cannot differ from what the program does.
#pragma once

#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): not ours
class App;
}  // namespace CLI

namespace grabfs {

struct CommandOption {
  std::vector<std::string> names;  // with their dashes, the long ones first
  std::string value;               // what its value is called in the help; empty: it takes none
  std::string help;                // on one line
};

struct CommandArgument {
  std::string name;
  std::string help;
  bool many = false;  // it takes all words from its place on
};

struct Command {
  std::vector<CommandOption> options;
  std::vector<CommandArgument> arguments;
};

Command DescribeCommand(const CLI::App& app);

}  // namespace grabfs
