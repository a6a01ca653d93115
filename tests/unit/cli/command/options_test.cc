// SPDX-License-Identifier: Apache-2.0
#include "cli/command/options.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "fusefs/command/command.h"

namespace grabfs::cli {
namespace {

bool IsLetterOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// From 2.4.1 on CLI11 throws for an argument whose name an option could not have.
TEST(Options, CLI11ReadsNamesOfArgumentsThatAnyOfItsReleasesTakes) {
  CLI::App app;
  Options options(app);
  std::string device;
  std::vector<std::string> settings;
  options.Argument("DEVICE", device, "Which");
  options.Arguments("KEY=VALUE", settings, "What to set");
  size_t arguments = 0;
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional()) continue;
    const std::string name = option->get_name(/*positional=*/true);
    EXPECT_TRUE(std::all_of(name.begin(), name.end(), IsLetterOrDigit)) << name;
    ++arguments;
  }
  EXPECT_EQ(arguments, 2U);
}

TEST(Options, UsersReadTheNameThatWasDeclared) {
  CLI::App app;
  Options options(app);
  std::vector<std::string> settings;
  options.Arguments("KEY=VALUE", settings, "What to set");
  const Command command = DescribeCommand(app);
  ASSERT_EQ(command.arguments.size(), 1U);
  EXPECT_EQ(command.arguments.front().name, "KEY=VALUE");
  app.parse(std::vector<std::string>{"b=2", "a=1"});
  EXPECT_EQ(settings, (std::vector<std::string>{"a=1", "b=2"}));
}

}  // namespace
}  // namespace grabfs::cli
