// SPDX-License-Identifier: Apache-2.0
//
// mount, umount, doctor, and finding the way among several mounts.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/mount/cli/cli_fixture.h"

namespace grabfs::mount_test {
namespace {

// `grabfs-cli ARGUMENTS` as it finds its way by itself, with the daemon in its PATH.
CommandResult Bare(const std::vector<std::string>& arguments) {
  const std::string path = std::filesystem::path(DaemonPath()).parent_path().string();
  std::vector<std::string> command = {"env", "-u", "GRABFS_MOUNT",
                                      "PATH=" + path + ":/usr/bin:/bin", CliPath()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return RunCommand(command);
}

// What doctor says about one mount point.
nlohmann::json Findings(const std::string& subject) {
  nlohmann::json found = nlohmann::json::array();
  for (const auto& finding : nlohmann::json::parse(Bare({"doctor", "--json"}).out)) {
    if (finding.at("subject") == subject) found.push_back(finding);
  }
  return found;
}

class CliMountingTest : public CliTest {
 protected:
  // Mounts a second grabfs by grabfs-cli itself; it is gone with the test.
  class Second {
   public:
    Second() : path_(MakeScratchDirectory("second")) {
      std::vector<std::string> arguments = {"mount"};
      std::vector<std::string> command = MountCommand({{kDevice}, {}}, path_);
      std::erase(command, "-f");
      arguments.insert(arguments.end(), command.begin() + 1, command.end());
      result_ = Bare(arguments);
    }
    ~Second() { ForceUnmount(path_); }
    Second(const Second&) = delete;
    Second& operator=(const Second&) = delete;
    [[nodiscard]] const CommandResult& result() const { return result_; }
    [[nodiscard]] const std::string& path() const { return path_; }

   private:
    std::string path_;
    CommandResult result_;
  };

  // The daemon of mount() is gone, its mount is not.
  void MakeStale() {
    mount().daemon().Signal(SIGKILL);
    mount().daemon().Wait();
  }
};

TEST_F(CliMountingTest, MountReturnsWhenTheMountAnswersAndUmountTakesItAway) {
  const Second second;
  ASSERT_EQ(second.result().status, kDone) << second.result().err;
  EXPECT_EQ(OpenError(second.path() + "/sim0/status.json", O_RDONLY), 0);
  const pid_t daemon = nlohmann::json::parse(ReadText(second.path() + "/status.json")).at("pid");
  const CommandResult umount = Bare({"umount", second.path()});
  EXPECT_EQ(umount.status, kDone) << umount.err;
  EXPECT_FALSE(IsMounted(second.path()));
  // Nobody may have reaped it yet, but it runs no program any more.
  EXPECT_NE(OpenError("/proc/" + std::to_string(daemon) + "/exe", O_RDONLY), 0);
}

TEST_F(CliMountingTest, MountFailsAsTheDaemonDoes) {
  const CommandResult result = Bare({"mount", "--device", "sim0=nonsense", "/nowhere/at/all"});
  EXPECT_TRUE(result.status == kFailed || result.status == kUsage) << result.status;
  EXPECT_NE(result.err, "");
}

TEST_F(CliMountingTest, SeveralMountsAreAllListedAndADeviceIsNamedByItsDirectory) {
  const Second second;
  ASSERT_EQ(second.result().status, kDone) << second.result().err;
  const std::string list = Bare({"list"}).out;
  EXPECT_NE(list.find(mount().path() + "\n"), std::string::npos) << list;
  EXPECT_NE(list.find(second.path() + "\n"), std::string::npos) << list;
  const CommandResult info = Bare({"info"});
  EXPECT_EQ(info.status, kUsage);
  EXPECT_NE(info.err.find(second.path() + "/sim0"), std::string::npos) << info.err;
  EXPECT_EQ(Bare({"info", second.path() + "/sim0"}).status, kDone);
  EXPECT_EQ(Bare({"info", "sim7"}).status, kNoDevice);
  EXPECT_EQ(RunCommand({"env", "GRABFS_MOUNT=" + second.path(), CliPath(), "info"}).status, kDone);
}

TEST_F(CliMountingTest, AllMountsAreWatched) {
  const Second second;
  ASSERT_EQ(second.result().status, kDone) << second.result().err;
  for (const char* verb : {"stats", "monitor"}) {
    std::vector<std::string> command = {verb, "-i", "0.1", "--json"};
    if (verb == std::string("monitor")) command.emplace_back("--once");
    std::vector<std::string> mounts;
    for (const std::string& line : Lines(Bare(command).out)) {
      mounts.push_back(nlohmann::json::parse(line).at("mount"));
    }
    for (const std::string& path : {mount().path(), second.path()}) {
      EXPECT_EQ(std::ranges::count(mounts, path), 1) << verb << " shows " << path;
    }
    command.push_back(second.path() + "/sim0");
    const CommandResult one = Bare(command);
    EXPECT_EQ(Lines(one.out).size(), 1U) << one.out << one.err;
  }
  EXPECT_NE(Bare({"stats", "-i", "0.1"}).out.find(second.path() + "/sim0 "), std::string::npos);
}

TEST_F(CliMountingTest, ABusyMountIsNotTakenAwayAndItsUserIsNamed) {
  ASSERT_EQ(Cli({"capture"}).status, kDone);
  const UniqueFd frame = Open(device().latest(), O_RDONLY);
  const CommandResult busy = Bare({"umount", mount().path()});
  EXPECT_EQ(busy.status, kFailed);
  EXPECT_NE(busy.err.find("(process " + std::to_string(::getpid()) + ") has sim0/"),
            std::string::npos)
      << busy.err;
  EXPECT_TRUE(IsMounted(mount().path()));
}

TEST_F(CliMountingTest, AMappingAloneKeepsItBusyToo) {
  ASSERT_EQ(Cli({"capture"}).status, kDone);
  const Mapping mapping = MapAndClose(device().Frame(0));
  const CommandResult busy = Bare({"umount", mount().path()});
  EXPECT_EQ(busy.status, kFailed);
  EXPECT_NE(busy.err.find("(process " + std::to_string(::getpid()) + ") maps "), std::string::npos)
      << busy.err;
}

TEST_F(CliMountingTest, LazilyEvenABusyMountGoesOutOfTheTree) {
  const Second second;
  ASSERT_EQ(second.result().status, kDone) << second.result().err;
  const UniqueFd status = Open(second.path() + "/status.json", O_RDONLY);
  const CommandResult lazy = Bare({"umount", second.path(), "--lazy"});
  EXPECT_EQ(lazy.status, kDone) << lazy.err;
  EXPECT_FALSE(IsMounted(second.path()));
}

TEST_F(CliMountingTest, AStaleMountIsFoundExplainedAndClearedAway) {
  MakeStale();
  const CommandResult info = Cli({"info"});
  EXPECT_EQ(info.status, kNoDevice);
  EXPECT_NE(info.err.find("'grabfs-cli umount --stale' clears the mount"), std::string::npos)
      << info.err;
  const nlohmann::json findings = Findings(mount().path());
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].at("severity"), "broken");
  EXPECT_EQ(Bare({"doctor"}).status, kFailed);

  const CommandResult umount = Bare({"umount", "--stale", "--json"});
  EXPECT_EQ(umount.status, kDone) << umount.err;
  const nlohmann::json gone = nlohmann::json::parse(umount.out);
  EXPECT_NE(std::find(gone.begin(), gone.end(), mount().path()), gone.end()) << umount.out;
  EXPECT_FALSE(IsMounted(mount().path()));
  mount().Abandon();
  Start({{kDevice}, {}});
}

TEST_F(CliMountingTest, AStaleMountCanBeNamedAsWell) {
  MakeStale();
  const CommandResult umount = Bare({"umount", mount().path()});
  EXPECT_EQ(umount.status, kDone) << umount.err;
  EXPECT_FALSE(IsMounted(mount().path()));
  mount().Abandon();
  Start({{kDevice}, {}});
}

TEST_F(CliMountingTest, ADaemonThatStandsStillStopsNobodyWhoDidNotNameIt) {
  const Second second;
  ASSERT_EQ(second.result().status, kDone) << second.result().err;
  const pid_t daemon = nlohmann::json::parse(ReadText(second.path() + "/status.json")).at("pid");
  ASSERT_EQ(::kill(daemon, SIGSTOP), 0);
  for (const std::string verb : {"list", "stats", "monitor"}) {
    std::vector<std::string> command = {verb, "--json"};
    if (verb != "list") command.insert(command.end(), {"-i", "0.1"});
    if (verb == "monitor") command.emplace_back("--once");
    const CommandResult result = Bare(command);
    EXPECT_EQ(result.status, kDone) << verb << ": " << result.err;
    EXPECT_NE(result.out.find(mount().path()), std::string::npos) << verb << ": " << result.out;
    EXPECT_NE(result.err.find(second.path() + ": left out"), std::string::npos) << result.err;
  }
  // It makes no name ambiguous. (This machine may have other mounts.)
  const CommandResult get = Bare({"get", "sim0", "rate"});
  EXPECT_EQ(get.err.find(second.path() + "/sim0"), std::string::npos) << get.err;
  EXPECT_EQ(Findings(second.path()).at(0).at("severity"), "broken");
  EXPECT_NE(Bare({"--complete", "info", ""}).out.find("sim0"), std::string::npos);
  const CommandResult lazy = Bare({"umount", "--lazy", second.path()});
  EXPECT_EQ(lazy.status, kDone) << lazy.err;
  EXPECT_FALSE(IsMounted(second.path()));
  ASSERT_EQ(::kill(daemon, SIGCONT), 0);
}

TEST_F(CliMountingTest, WhatAMountSaysIsNotObeyedByATerminal) {
  // A daemon of somebody else's, which says this.
  const std::filesystem::path fake = MakeScratchDirectory("fake");
  std::filesystem::create_directories(fake / "sim0");
  nlohmann::json status = nlohmann::json::parse(ReadText(mount().path() + "/status.json"));
  nlohmann::json& sim0 = status.at("devices").at(0);
  sim0["last_error"] = "no \033]0;stolen\007 light";
  sim0["source"] = "pattern\033[31m";
  std::ofstream(fake / "status.json") << status;
  std::ofstream(fake / "sim0/status.json") << sim0;
  const std::string line =
      "env TERM=xterm script -qec '" + CliPath() + " info --mount " + fake.string() + "' /dev/null";
  const std::string shown = RunShell(line).out;
  EXPECT_EQ(shown.find('\033'), std::string::npos) << shown;
  EXPECT_NE(shown.find("no ?]0;stolen? light"), std::string::npos) << shown;
}

TEST_F(CliMountingTest, DoctorTellsWhoMaySeeAndWhoMaySteer) {
  const auto told = [this] { return Findings(mount().path()).at(1).at("text"); };
  EXPECT_NE(told().get<std::string>().find("without allow_other"), std::string::npos) << told();
  if (::geteuid() != 0) GTEST_SKIP() << "an ordinary user may not use allow_other everywhere";
  Start({{kDevice}, {"allow_other", "uid=daemon", "gid=video"}});
  EXPECT_EQ(told(), "see pictures: everybody; change settings: root, daemon");
  Start({{kDevice}, {"allow_other", "gid=video", "frame_mode=440", "control_mode=600"}});
  EXPECT_EQ(told(), "see pictures: root, group video; change settings: root");
}

TEST_F(CliMountingTest, DoctorTellsTheDataPathInWords) {
  ASSERT_EQ(Findings(mount().path()).at(0).at("severity"), "good");
  const nlohmann::json findings = Findings("sim0");
  const bool fast = ActiveDataPath() == DataPath::kPassthrough;
  const auto is_data_path = [&](const nlohmann::json& finding) {
    return finding.at("severity") == (fast ? "good" : "slow") &&
           finding.at("text").get<std::string>().starts_with(DataPathName(ActiveDataPath()));
  };
  EXPECT_TRUE(std::any_of(findings.begin(), findings.end(), is_data_path)) << findings.dump(2);
}

}  // namespace
}  // namespace grabfs::mount_test
