// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli monitor on a real mount: buffers, readers and holders as they are.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/mount/cli/cli_fixture.h"
#include "tests/mount/support/stream.h"

namespace grabfs::mount_test {
namespace {

using CliMonitorTest = CliTest;

TEST_F(CliMonitorTest, ShowsOneLookAsText) {
  device().Capture(kBuffers);
  const UniqueFd frame = Open(device().latest(), O_RDONLY);
  const CommandResult result = Cli({"monitor", "--once", "-i", "0.1"});
  ASSERT_EQ(result.status, kDone) << result.err;
  EXPECT_NE(result.out.find("sim0  stopped  GREY 130x94"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("4 buffers [###H]"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("4 captured"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find(std::to_string(::getpid())), std::string::npos) << result.out;
  for (const std::string& line : Lines(result.out)) EXPECT_LE(line.size(), 80U);
}

TEST_F(CliMonitorTest, TellsWhoHoldsAndWhoReads) {
  device().Capture(2);
  const UniqueFd frame = Open(device().latest(), O_RDONLY);
  const Mapping mapping = MapAndClose(device().Frame(0));
  const Stream stream(device(), "stream-lossless.raw");
  const CommandResult result = Cli({"monitor", "--once", "--json", "-i", "0.1"});
  ASSERT_EQ(result.status, kDone) << result.err;
  const auto look = nlohmann::json::parse(result.out);
  EXPECT_EQ(look.at("device"), "sim0");
  EXPECT_EQ(look.at("streams").at(0).at("pid"), ::getpid());
  std::vector<std::string> files;
  for (const auto& user : look.at("users")) {
    if (user.at("pid") == ::getpid()) files = user.at("files").get<std::vector<std::string>>();
  }
  for (const char* file : {"frames/00000000.raw", "stream-lossless.raw"}) {
    EXPECT_TRUE(std::ranges::count(files, file)) << file << " in " << result.out;
  }
}

TEST_F(CliMonitorTest, WithoutATerminalSaysWhatToDo) {
  const CommandResult result = Cli({"monitor"});
  EXPECT_EQ(result.status, kFailed);
  EXPECT_NE(result.err.find("--once"), std::string::npos) << result.err;
  EXPECT_EQ(Cli({"monitor", "none", "--once"}).status, kNoDevice);
}

// What monitor draws on a terminal, made by script(1), in which `environment` holds.
class CliMonitorOnATerminalTest : public CliTest {
 protected:
  [[nodiscard]] std::string Drawn(const std::string& environment) const {
    const std::string drawn = MakeScratchDirectory("screen") + "/typescript";
    const CommandResult result =
        RunShell("(sleep 1; printf q) | " + environment + " script -qec 'stty cols 50 rows 24; " +
                 CliPath() + " monitor --mount " + mount().path() + " -i 0.1; stty -a' " + drawn);
    EXPECT_EQ(result.status, 0) << result.out << result.err;
    return ReadText(drawn);
  }
};

TEST_F(CliMonitorOnATerminalTest, DrawsAndLeavesItAsItWas) {
  const std::string text = Drawn("TERM=xterm");
  EXPECT_NE(text.find("GREY 130x94"), std::string::npos) << text;
  EXPECT_NE(text.find("\033[?1049l"), std::string::npos) << "the alternate screen was left";
  EXPECT_NE(text.find(" echo"), std::string::npos) << text;
  EXPECT_NE(text.find(" icanon"), std::string::npos) << text;
}

TEST_F(CliMonitorOnATerminalTest, HasColoursWhereTheyAreWanted) {
  device().Capture(2);
  const std::string green_bar = "\033[30m\033[42m##";
  EXPECT_NE(Drawn("TERM=xterm").find(green_bar), std::string::npos);
  for (const char* plain : {"TERM=xterm NO_COLOR=1", "TERM=vt100"}) {
    const std::string text = Drawn(plain);
    EXPECT_EQ(text.find("[42m"), std::string::npos) << plain;
    EXPECT_NE(text.find("##.."), std::string::npos) << plain << text;
  }
}

TEST_F(CliMonitorOnATerminalTest, SaysWhereItCannotDraw) {
  for (const char* terminal : {"TERM=dumb", "TERM=no-such-terminal"}) {
    const std::string text = Drawn(terminal);
    EXPECT_NE(text.find("try --once"), std::string::npos) << terminal << text;
  }
}

}  // namespace
}  // namespace grabfs::mount_test
