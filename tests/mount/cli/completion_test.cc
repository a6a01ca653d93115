// SPDX-License-Identifier: Apache-2.0
//
// Completion in the shells themselves: bash, zsh and fish, with our scripts loaded, on a real
// mount.
#include <filesystem>

#include "tests/mount/cli/cli_fixture.h"

namespace grabfs::mount_test {
namespace {

class CompletionTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    if (IsSkipped()) return;
    path_ = std::filesystem::path(CliPath()).parent_path().string() + ":" +
            std::filesystem::path(DaemonPath()).parent_path().string();
  }

  // What the shell prints that runs `script` with `line`, where $1 is it, after typing that.
  [[nodiscard]] std::vector<std::string> Ask(const std::vector<std::string>& shell) const {
    std::vector<std::string> command = {"env", "GRABFS_MOUNT=" + mount().path(),
                                        "PATH=" + path_ + ":/usr/bin:/bin", "HOME=/nonexistent"};
    command.insert(command.end(), shell.begin(), shell.end());
    const CommandResult result = RunCommand(command);
    EXPECT_EQ(result.status, 0) << result.err;
    return Lines(result.out);
  }

  [[nodiscard]] std::vector<std::string> Bash(const std::string& line) const {
    return Ask({"bash", "--norc", "-c",
                ". cli/completions/grabfs.bash && COMP_LINE=$1 COMP_POINT=${#1}"
                " && _grabfs ${1%% *} && printf '%s\\n' \"${COMPREPLY[@]}\"",
                "bash", line});
  }
  [[nodiscard]] std::vector<std::string> Fish(const std::string& line) const {
    std::vector<std::string> lines =
        Ask({"fish", "--no-config", "-c",
             "source cli/completions/grabfs.fish; complete --do-complete $argv[1]", line});
    for (std::string& text : lines) text = text.substr(0, text.find('\t'));
    return lines;
  }
  // The line as it is after a tab.
  [[nodiscard]] std::string Zsh(const std::string& line) const {
    const auto lines = Ask({"tests/mount/cli/zsh_line.zsh", "cli/completions", line});
    return lines.empty() ? "" : lines.front();
  }

 private:
  std::string path_;
};

using Words = std::vector<std::string>;

TEST_F(CompletionTest, BashKnowsVerbsOptionsAndDevices) {
  EXPECT_EQ(Bash("grabfs-cli um"), Words({"umount"}));
  EXPECT_EQ(Bash("grabfs-cli stats --int"), Words({"--interval"}));
  EXPECT_EQ(Bash("grabfs-cli info "), Words({"sim0"}));
  EXPECT_EQ(Bash("grabfs --sys"), Words({"--syslog"}));
}

TEST_F(CompletionTest, BashIsGivenWhatStandsBehindItsWordBreaks) {
  EXPECT_EQ(Bash("grabfs --device cam0=pat"), Words({"pattern"}));
  EXPECT_EQ(Bash("grabfs --device cam0=replay:x,wid"), Words({"x,width="}));
  EXPECT_EQ(Bash("grabfs-cli set sim0 wid"), Words({"width="}));
  EXPECT_EQ(Bash("grabfs-cli set sim0 policy=keep-o"), Words({"keep-oldest"}));
}

TEST_F(CompletionTest, BashIsGivenNothingThatMeansSomethingToIt) {
  constexpr const char* kScript = R"sh(
. cli/completions/grabfs.bash
camera() { printf '%s\t\n' 'a b,c;$(id)'; }
COMP_LINE='camera ' COMP_POINT=7
_grabfs camera
printf '%s\n' "${COMPREPLY[@]}"
)sh";
  EXPECT_EQ(Ask({"bash", "--norc", "-c", kScript}), Words({R"(a\ b,c\;\$\(id\))"}));
}

TEST_F(CompletionTest, FishKnowsVerbsOptionsAndDevices) {
  EXPECT_EQ(Fish("grabfs-cli um"), Words({"umount"}));
  EXPECT_EQ(Fish("grabfs-cli stats --int"), Words({"--interval"}));
  EXPECT_EQ(Fish("grabfs-cli info "), Words({"sim0"}));
  EXPECT_EQ(Fish("grabfs --device cam0=pat"), Words({"cam0=pattern"}));
  EXPECT_EQ(Fish("grabfs-cli set sim0 policy=keep-o"), Words({"policy=keep-oldest"}));
}

TEST_F(CompletionTest, FishOffersFilesWhereNothingElseIsKnown) {
  EXPECT_EQ(Fish("grabfs-cli save -o /etc/hostn"), Words({"/etc/hostname"}));
}

TEST_F(CompletionTest, ZshKnowsVerbsOptionsAndDevices) {
  EXPECT_EQ(Zsh("grabfs-cli umo"), "grabfs-cli umount ");
  EXPECT_EQ(Zsh("grabfs-cli stats --int"), "grabfs-cli stats --interval ");
  EXPECT_EQ(Zsh("grabfs-cli info s"), "grabfs-cli info sim0 ");
  EXPECT_EQ(Zsh("grabfs --device cam0=pat"), "grabfs --device cam0=pattern ");
}

TEST_F(CompletionTest, ZshGoesOnWhereAWordGoesOn) {
  EXPECT_EQ(Zsh("grabfs-cli set sim0 wid"), "grabfs-cli set sim0 width=");
  EXPECT_EQ(Zsh("grabfs-cli set sim0 policy=keep-o"), "grabfs-cli set sim0 policy=keep-oldest ");
}

}  // namespace
}  // namespace grabfs::mount_test
