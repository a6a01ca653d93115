// SPDX-License-Identifier: Apache-2.0
#include "fusefs/command/command.h"

#include <CLI/CLI.hpp>

namespace grabfs {
namespace {

CommandOption DescribeOption(const CLI::Option& option) {
  CommandOption described;
  for (const std::string& name : option.get_lnames()) described.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) described.names.push_back("-" + name);
  if (option.get_items_expected_max() > 0) described.value = option.get_type_name();
  described.help = option.get_description();
  return described;
}

CommandArgument DescribeArgument(const CLI::Option& option) {
  return {.name = option.get_type_name(),
          .help = option.get_description(),
          .many = option.get_items_expected_max() > 1};
}

}  // namespace

Command DescribeCommand(const CLI::App& app) {
  Command command;
  command.program = app.get_name();
  command.description = app.get_description();
  command.footer = app.get_footer();
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
