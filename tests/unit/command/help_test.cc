// SPDX-License-Identifier: Apache-2.0
//
// The layout of --help, which manual pages are made of: the same with every release of CLI11.
#include "fusefs/command/help.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

namespace grabfs {
namespace {

TEST(Help, EverythingThatIsDeclaredHasItsPlace) {
  CLI::App app("Does something", "program verb");
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.footer("Examples:\n  program verb");
  bool flag = false;
  std::string text;
  std::vector<std::string> many;
  app.add_flag("--json", flag, "In JSON");
  app.add_option("-n,--frames", text, "How many")->type_name("N");
  app.add_option("first", text, "Which")->type_name("DEVICE");
  app.add_option("second", many, "What to set")->type_name("KEY=VALUE");
  EXPECT_EQ(Help(DescribeCommand(app)),
            "Does something\n"
            "Usage: program verb [OPTIONS] [DEVICE] [KEY=VALUE...]\n"
            "\n"
            "Positionals:\n"
            "  DEVICE                  Which\n"
            "  KEY=VALUE ...           What to set\n"
            "\n"
            "Options:\n"
            "  -h,--help               Print this help and exit\n"
            "  --json                  In JSON\n"
            "  -n,--frames N           How many\n"
            "\n"
            "Examples:\n"
            "  program verb\n");
}

TEST(Help, WhatIsNotThereHasNoHeading) { EXPECT_EQ(Help(Command()), "\nUsage:  [OPTIONS]\n"); }

// What --help says of an option without a value.
std::string Option(const std::string& name, const std::string& help) {
  Command command;
  command.options = {{.names = {name}, .value = "", .help = help}};
  const std::string text = Help(command);
  const std::string heading = "Options:\n";
  return text.substr(text.find(heading) + heading.size());
}

TEST(Help, LongExplanationsAreBrokenAndKeepTheirColumn) {
  const std::string word(40, 'x');
  EXPECT_EQ(Option("--name", word + " " + word),
            "  --name                  " + word + "\n                          " + word + "\n");
}

TEST(Help, NamesThatReachIntoTheColumnHaveALineOfTheirOwn) {
  EXPECT_EQ(Option("--a-name-of-many-letters", "What it does"),
            "  --a-name-of-many-letters\n                          What it does\n");
}

TEST(Help, ANameMayBeLongerThanItsColumn) {
  EXPECT_EQ(HelpEntry("wait", 12), "  wait      ");
  EXPECT_EQ(HelpEntry("ten-letter", 12), "  ten-letter ");
  EXPECT_EQ(HelpEntry("eleven-more", 12), "  eleven-more ");
}

TEST(Help, WrappingBreaksAtBlanksAndNeverLosesAWord) {
  EXPECT_EQ(Wrap("one two three", 7), "one two\nthree");
  EXPECT_EQ(Wrap("one two three", 100), "one two three");
  EXPECT_EQ(Wrap("incomprehensible", 4), "incomprehensible");
  EXPECT_EQ(Wrap("", 10), "");
}

}  // namespace
}  // namespace grabfs
