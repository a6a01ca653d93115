// SPDX-License-Identifier: Apache-2.0
//
// The page of the mount, as a web server sends it that `grabfs-cli web` starts.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "fusefs/base/error.h"
#include "tests/mount/cli/cli_fixture.h"

namespace grabfs::mount_test {
namespace {

class CliWebTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    if (IsSkipped()) return;
    if (::geteuid() == 0) Start({{kDevice}, {"allow_other"}});
    place_ = MakeScratchDirectory("web");
    address_ = "127.0.0.1:" + std::to_string(FreePort());
  }

  // `grabfs-cli web` of an ordinary user, which the test may not be.
  [[nodiscard]] std::vector<std::string> Web(const std::string& address) const {
    std::vector<std::string> command = {CliPath(),      "web",      "--mount",
                                        mount().path(), "--listen", address};
    if (::geteuid() != 0) return command;
    const std::vector<std::string> other = {"setpriv", "--reuid=" + std::to_string(kOtherUid),
                                            "--regid=" + std::to_string(kOtherGid),
                                            "--clear-groups"};
    command.insert(command.begin(), other.begin(), other.end());
    return command;
  }

  // Another program may take it before the server does; then the test fails and says so.
  static uint16_t FreePort() {
    const UniqueFd socket(CheckSyscall(::socket(AF_INET, SOCK_STREAM, 0), "socket"));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* where = reinterpret_cast<sockaddr*>(&address);
    CheckSyscall(::bind(socket.get(), where, length), "bind");
    CheckSyscall(::getsockname(socket.get(), where, &length), "getsockname");
    return ::ntohs(address.sin_port);
  }

  // What the server says to a browser; empty: nothing.
  [[nodiscard]] std::string Get(const std::string& file) const {
    const std::string got = place_ + "/got";
    const std::string url = "http://" + address_ + "/" + file;
    const CommandResult result =
        RunCommand({"python3", "-c",
                    "import sys, urllib.request; open(sys.argv[2], 'wb').write("
                    "urllib.request.urlopen(sys.argv[1]).read())",
                    url, got});
    return result.status == 0 ? ReadText(got) : "";
  }

  std::string place_;
  std::string address_;
};

TEST_F(CliWebTest, ThePageAndWhatItReadsComeThroughAServer) {
  device().Capture(2);
  Process server(Web(address_));
  ASSERT_TRUE(WaitUntil([&] { return !Get("").empty() || server.Poll(); })) << server.err();
  EXPECT_EQ(server.out(), "http://" + address_ + "/\n");
  EXPECT_EQ(Get(""), ReadText(mount().path() + "/index.html"));
  EXPECT_EQ(Get("sim0/frames.bmp/00000001.bmp"), ReadText(device().Path("latest.bmp")));
  const auto status = nlohmann::json::parse(Get("status.json"));
  EXPECT_EQ(status.at("devices").at(0).at("sequence").at("newest"), 1);
  const CommandResult second = RunCommand(Web(address_));
  EXPECT_EQ(second.status, kFailed);
  EXPECT_NE(second.err.find("--listen takes another"), std::string::npos) << second.err;
  server.Signal(SIGTERM);
  EXPECT_TRUE(WaitUntil([&] { return server.Poll().has_value(); })) << "the server stays";
}

TEST_F(CliWebTest, AnAddressIsOne) {
  for (const char* bad : {"nowhere", "127.0.0.1:0", "127.0.0.1:65536", "300.1.1.1:80", ":80"}) {
    EXPECT_EQ(RunCommand(Web(bad)).status, kUsage) << bad;
  }
}

// Root may read everybody's files of alloc/, and whoever reaches the server could.
TEST_F(CliWebTest, RootIsTold) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root is refused";
  const CommandResult result = Cli({"web", "--listen", address_});
  EXPECT_EQ(result.status, kFailed);
  EXPECT_NE(result.err.find("runuser -u nobody -- grabfs-cli web"), std::string::npos)
      << result.err;
  EXPECT_EQ(result.out, "");
}

TEST_F(CliWebTest, ThePageNeedsNothingElse) {
  const std::string page = ReadText(mount().path() + "/index.html");
  EXPECT_TRUE(page.starts_with("<!doctype html>"));
  EXPECT_EQ(page.find("http://"), std::string::npos);
  EXPECT_EQ(page.find("https://"), std::string::npos);
  EXPECT_EQ(Stat(mount().path() + "/index.html").st_size, static_cast<off_t>(page.size()));
}

}  // namespace
}  // namespace grabfs::mount_test
