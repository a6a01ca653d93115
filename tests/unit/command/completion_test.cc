// SPDX-License-Identifier: Apache-2.0
//
// What is offered at the cursor, for a small parser that has one of everything.
#include "fusefs/command/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <sstream>

namespace grabfs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Completion : public ::testing::Test {
 protected:
  Completion() {
    app_.add_flag("--json", flag_, "In JSON");
    app_.add_option("-n,--frames", text_, "How many")->type_name("N");
    app_.add_option("first", text_, "Which")->type_name("DEVICE");
    app_.add_option("second", many_, "Where to")->type_name("FILE");
  }

  std::vector<std::string> Offered(const std::vector<std::string>& words) {
    std::vector<std::string> texts;
    for (const Candidate& candidate : Complete(DescribeCommand(app_), words, Values())) {
      texts.push_back(candidate.text);
    }
    return texts;
  }

  // Values say what they are values of.
  static grabfs::Values Values() {
    return [](const std::string& name, const std::string&) {
      return Candidates{{name + "-1", ""}, {name + "-2", ""}};
    };
  }

  CLI::App app_;
  bool flag_ = false;
  std::string text_;
  std::vector<std::string> many_;
};

TEST_F(Completion, ADashOffersEveryOptionByItsLongName) {
  EXPECT_THAT(Offered({"-"}), ElementsAre("--help", "--json", "--frames"));
  EXPECT_THAT(Offered({"--j"}), ElementsAre("--json"));
}

TEST_F(Completion, AnOptionIsFollowedByItsValue) {
  EXPECT_THAT(Offered({"--frames", ""}), ElementsAre("N-1", "N-2"));
  EXPECT_THAT(Offered({"-n", ""}), ElementsAre("N-1", "N-2"));
  EXPECT_THAT(Offered({"--frames=N-2"}), ElementsAre("--frames=N-2"));
}

TEST_F(Completion, AFlagIsFollowedByAnArgument) {
  EXPECT_THAT(Offered({"--json", ""}), ElementsAre("DEVICE-1", "DEVICE-2"));
  EXPECT_THAT(Offered({"--json=x"}), IsEmpty());
}

TEST_F(Completion, ArgumentsComeInTheirOrderAndTheLastTakesTheRest) {
  EXPECT_THAT(Offered({"cam0", ""}), ElementsAre("FILE-1", "FILE-2"));
  EXPECT_THAT(Offered({"cam0", "-n", "3", "a", "b", "FILE-2"}), ElementsAre("FILE-2"));
}

TEST_F(Completion, BehindTwoDashesThereAreArgumentsOnly) {
  EXPECT_THAT(Offered({"--", "-"}), IsEmpty());
  EXPECT_THAT(Offered({"--", "D"}), ElementsAre("DEVICE-1", "DEVICE-2"));
}

TEST_F(Completion, NothingIsOfferedForNothing) { EXPECT_THAT(Offered({}), IsEmpty()); }

TEST_F(Completion, TheValueOfAnOptionIsFoundInBothSpellings) {
  const std::vector<std::string> words = {"info", "--mount", "/mnt/a", "--other=/mnt/b"};
  EXPECT_EQ(OptionValue(words, "--mount"), "/mnt/a");
  EXPECT_EQ(OptionValue(words, "--other"), "/mnt/b");
  EXPECT_EQ(OptionValue(words, "--oth"), "");
}

TEST_F(Completion, ShellsReadOneCandidateALine) {
  std::ostringstream out;
  Print(out, Complete(DescribeCommand(app_), std::vector<std::string>{"--js"}, Values()));
  EXPECT_EQ(out.str(), "--json\tIn JSON\n");
}

}  // namespace
}  // namespace grabfs
