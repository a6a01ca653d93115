// SPDX-License-Identifier: Apache-2.0
#include "fusefs/command/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace grabfs {
namespace {

// Help is broken into lines for the terminal; here a line is all there is.
std::string OneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

CommandOption DescribeOption(const CLI::Option& option) {
  CommandOption described;
  for (const std::string& name : option.get_lnames()) described.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) described.names.push_back("-" + name);
  if (option.get_items_expected_max() > 0) described.value = option.get_type_name();
  described.help = OneLine(option.get_description());
  return described;
}

CommandArgument DescribeArgument(const CLI::Option& option) {
  return {.name = option.get_name(/*positional=*/true),
          .help = OneLine(option.get_description()),
          .many = option.get_items_expected_max() > 1};
}

}  // namespace

Command DescribeCommand(const CLI::App& app) {
  Command command;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      command.arguments.push_back(DescribeArgument(*option));
    } else {
      command.options.push_back(DescribeOption(*option));
    }
  }
  return command;
}

}  // namespace grabfs
