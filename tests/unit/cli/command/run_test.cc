// SPDX-License-Identifier: Apache-2.0
//
// What all verbs have in common: help, mistakes on the command line, finding mount and device.
#include "cli/command/run.h"

#include <gmock/gmock.h>

#include <fstream>
#include <set>

#include "tests/unit/cli/fake_mount.h"

namespace grabfs::cli {
namespace {

using CommandLine = FakeMount;
using ::testing::HasSubstr;

TEST_F(CommandLine, EveryVerbHasASummaryExamplesAndHelp) {
  std::set<std::string_view> names;
  for (const VerbEntry* entry : Verbs()) {
    const std::string name(entry->name);
    EXPECT_TRUE(names.insert(entry->name).second) << name;
    EXPECT_EQ(Cli({name, "--help"}), ExitCode::kDone) << Err();
    EXPECT_THAT(Out(), HasSubstr(std::string(entry->summary)));
    EXPECT_THAT(Out(), HasSubstr("Examples:\n  "));
    EXPECT_THAT(Out(), HasSubstr("grabfs-cli " + name));
    EXPECT_EQ(Err(), "");
    EXPECT_EQ(VerbHelp(*entry), Out());
    EXPECT_THAT(OverviewHelp(), HasSubstr("\n  " + name + " "));
  }
}

TEST_F(CommandLine, HelpIsDataAndItsAbsenceAMistake) {
  EXPECT_EQ(Cli({"--help"}), ExitCode::kDone);
  EXPECT_EQ(Out(), OverviewHelp());
  EXPECT_EQ(Cli({}), ExitCode::kUsage);
  EXPECT_EQ(Out(), "");
  EXPECT_EQ(Err(), OverviewHelp());
  EXPECT_EQ(Cli({"help", "save"}), ExitCode::kDone);
  EXPECT_THAT(Out(), HasSubstr("--sequence"));
}

TEST_F(CommandLine, AMistypedVerbIsGuessed) {
  EXPECT_EQ(Cli({"recrd"}), ExitCode::kUsage);
  EXPECT_THAT(Err(), HasSubstr("no such verb: did you mean 'record'?"));
}

TEST_F(CommandLine, NoPixelsOnATerminal) {
  AddDevice("sim0").Capture();
  context().out_is_terminal = true;
  EXPECT_EQ(Cli({"stream"}), ExitCode::kUsage);
  EXPECT_EQ(Cli({"save", "-o", "-"}), ExitCode::kUsage);
  EXPECT_THAT(Err(), HasSubstr("send them to a file or a program"));
  EXPECT_EQ(Out(), "");
}

TEST_F(CommandLine, MistakesAreOneLineAndStatusTwo) {
  AddDevice("sim0");
  const std::vector<std::vector<std::string>> mistakes = {
      {"frobnicate"},
      {"list", "--frobnicate"},
      {"list", "what", "is", "this"},
      {"capture", "-n"},
      {"capture", "-n", "many"},
      {"capture", "-n", "-1"},
      {"capture", "-n", "0"},
      {"capture", "--timeout", "soon"},
      {"wait", "--frames", "1", "--sequence", "2"},
      {"wait", "--state", "tired"},
      {"save", "--latest", "--sequence", "2"},
      {"save", "-o", "a.gif"},
      {"save", "-n", "2", "-o", "a.png"},
      {"save", "-n", "2", "-o", "%s.png"},
      {"save", "--json", "-o", "-"},
      {"stats", "-i", "0"},
      {"set"},
      {"set", "sim0"},
      {"set", "sim0", "width"},
      {"set", "../status.json=x"},
      {"mount"},
      {"umount", "--stale", "/mnt"},
  };
  for (const auto& args : mistakes) {
    EXPECT_EQ(Cli(args), ExitCode::kUsage) << args.front() << ": " << Err();
    EXPECT_EQ(Out(), "");
    EXPECT_EQ(CountLines(Err()), 1U) << Err();
    EXPECT_TRUE(Err().starts_with("grabfs-cli: ")) << Err();
  }
}

TEST_F(CommandLine, TheMountComesFromTheOptionBeforeTheEnvironment) {
  AddDevice("sim0");
  environment()["GRABFS_MOUNT"] = "/nowhere";
  EXPECT_EQ(Cli({"info"}), ExitCode::kNoDevice);
  EXPECT_THAT(Err(), HasSubstr("/nowhere: not a grabfs mount"));
  const std::string mount = root().string();
  EXPECT_EQ(Cli({"info", "--mount", mount}), ExitCode::kDone) << Err();
  EXPECT_EQ(Cli({"--mount", mount, "info", "sim0"}), ExitCode::kDone) << Err();
  EXPECT_EQ(Cli({"--mount=" + mount, "info", "sim0"}), ExitCode::kDone) << Err();
  EXPECT_EQ(Cli({"--mount", mount}), ExitCode::kUsage);
}

TEST_F(CommandLine, TheOnlyMountIsFoundByItself) {
  AddDevice("sim0");
  environment().clear();
  context().system.proc = Scratch("proc");
  std::filesystem::create_directories(Scratch("proc/self"));
  const std::string line =
      "90 22 0:57 / " + root().string() + " rw - fuse.grabfs grabfs rw,user_id=0\n";
  WriteText(Scratch("proc/self/mountinfo"), line);
  EXPECT_EQ(Cli({"info"}), ExitCode::kDone) << Err();

  const std::string other = Scratch("other");
  std::filesystem::copy(root(), other);  // without its directories
  WriteText(Scratch("proc/self/mountinfo"),
            line + "91 22 0:58 / " + other + " rw - fuse.grabfs b rw,user_id=0\n");
  EXPECT_EQ(Cli({"info"}), ExitCode::kUsage);
  EXPECT_THAT(Err(), HasSubstr("which device? there are"));
  EXPECT_THAT(Err(), HasSubstr(other + "/sim0: name one like this"));
  EXPECT_EQ(Cli({"info", root().string() + "/sim0/"}), ExitCode::kDone) << Err();

  // Mounts that cannot be looked into do not stand in the way.
  WriteText(Scratch("proc/self/mountinfo"),
            line + "91 22 0:58 / /nonexistent rw - fuse.grabfs b rw\n");
  EXPECT_EQ(Cli({"info"}), ExitCode::kDone) << Err();
  EXPECT_EQ(Cli({"list"}), ExitCode::kDone) << Err();
  WriteText(Scratch("proc/self/mountinfo"), "91 22 0:58 / /nonexistent rw - fuse.grabfs b rw\n");
  EXPECT_EQ(Cli({"info"}), ExitCode::kNoDevice);
  EXPECT_THAT(Err(), HasSubstr("closed to this user"));

  WriteText(Scratch("proc/self/mountinfo"), "22 1 0:20 / /sys rw - sysfs sysfs rw\n");
  EXPECT_EQ(Cli({"info"}), ExitCode::kNoDevice);
  EXPECT_THAT(Err(), HasSubstr("no grabfs is mounted"));
}

TEST_F(CommandLine, TheDeviceMayBeLeftOutOnlyWhenThereIsOne) {
  EXPECT_EQ(Cli({"info"}), ExitCode::kNoDevice);
  AddDevice("sim0");
  EXPECT_EQ(Cli({"info"}), ExitCode::kDone) << Err();
  EXPECT_EQ(Cli({"info", "cam7"}), ExitCode::kNoDevice);
  EXPECT_THAT(Err(), HasSubstr("cam7: no such device"));
  EXPECT_THAT(Err(), HasSubstr("has sim0"));
  AddDevice("sim1");
  EXPECT_EQ(Cli({"info"}), ExitCode::kUsage);
  EXPECT_THAT(Err(), HasSubstr("sim0, sim1"));
  EXPECT_EQ(Cli({"info", "sim1"}), ExitCode::kDone) << Err();
}

TEST_F(CommandLine, AMountThatTalksNonsenseIsAnError) {
  WriteText(root() / "status.json", "{\"devices\":");
  EXPECT_EQ(Cli({"list"}), ExitCode::kFailed);
  EXPECT_THAT(Err(), HasSubstr("status.json: not what a grabfs mount says"));
}

TEST_F(CommandLine, OutputThatCannotBeWrittenIsAFailure) {
  AddDevice("sim0");
  std::ofstream full("/dev/full");
  Context context = {.out = full,
                     .err = this->context().err,
                     .environment = this->context().environment,
                     .program_directory = {},
                     .system = {},
                     .err_is_terminal = false};
  EXPECT_EQ(cli::Run({"list"}, context), ExitCode::kFailed);
  EXPECT_THAT(Err(), HasSubstr("cannot write to standard output"));
}

}  // namespace
}  // namespace grabfs::cli
