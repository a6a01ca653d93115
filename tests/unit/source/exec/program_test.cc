// SPDX-License-Identifier: Apache-2.0
//
// What a program has of the daemon (nothing), and that none outlives it.
#include "fusefs/source/exec/program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>
#include <thread>
#include <vector>

#include "tests/unit/source/exec/scripts.h"

namespace grabfs {
namespace {

namespace fs = std::filesystem;

class ProgramTest : public Scripts {
 protected:
  KeeperOrder Order(const std::string& lines) { return {.program = Script("program", lines)}; }

  static std::string Await(Program& program) {
    for (;;) {
      if (const auto how = program.Ended()) return *how;
      pollfd fd = {.fd = program.process(), .events = POLLIN, .revents = 0};
      EXPECT_EQ(::poll(&fd, 1, 60000), 1) << "it does not end";
    }
  }

  // How a script ended and its last words.
  std::string Run(const std::string& lines) {
    Program program(Order(lines));
    return Await(program);
  }

  template <typename Condition>
  static bool Comes(Condition condition) {
    for (int i = 0; i < 6000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  // Processes whose command line has this word, which only one test uses.
  static size_t Running(const std::string& word) {
    size_t count = 0;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      std::ifstream file(entry.path() / "cmdline", std::ios::binary);
      std::string line;
      std::getline(file, line);
      if (line.find(word) != std::string::npos) ++count;
    }
    return count;
  }
};

TEST_F(ProgramTest, TellsHowItEnded) {
  EXPECT_EQ(Run("exit 0"), "exit status 0");
  EXPECT_EQ(Run("echo words >&2; exit 7"), "exit status 7: words");
  EXPECT_EQ(Run("kill -KILL $$"), "killed by signal 9 (Killed)");
  EXPECT_EQ(Run("kill -TERM $$"), "killed by signal 15 (Terminated)");
}

TEST_F(ProgramTest, HasNoDescriptorsBesideTheThreeThatItNeeds) {
  const UniqueFd leak(::fcntl(0, F_DUPFD, 99));  // without FD_CLOEXEC, as a library might
  ASSERT_EQ(leak.get(), 99);
  const std::string how = Run("echo $(ls /proc/self/fd) >&2; exit 0");
  EXPECT_TRUE(how.starts_with("exit status 0: 0 1 2 3")) << how;
  EXPECT_EQ(how.find("99"), std::string::npos) << how;
}

TEST_F(ProgramTest, HasNoCapabilitiesAndGetsNone) {
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) {
    EXPECT_EQ(Run(std::string("grep ") + set + " /proc/self/status >&2; exit 0"),
              std::string("exit status 0: ") + set + ":?0000000000000000");
  }
  EXPECT_EQ(Run("grep NoNewPrivs /proc/self/status >&2; exit 0"), "exit status 0: NoNewPrivs:?1");
  if (::geteuid() != 0) return;
  EXPECT_EQ(Run("grep CapBnd /proc/self/status >&2; exit 0"),
            "exit status 0: CapBnd:?0000000000000000");
}

TEST_F(ProgramTest, IsAnotherUserWithThatUsersGroupsOnly) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become others";
  KeeperOrder order = {.program = "/usr/bin/id"};
  order.change_user = true;
  order.uid = 65534;
  order.gid = 65534;
  Program program(order);
  EXPECT_EQ(Await(program), "exit status 0");
  std::string text(1000, '\0');
  // Its output outlives it.
  const ssize_t count = ::read(program.output(), text.data(), text.size());
  text.resize(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  EXPECT_EQ(text.substr(0, text.find('(')), "uid=65534");
  EXPECT_EQ(text.find("root"), std::string::npos) << text;
}

TEST_F(ProgramTest, HasAnEnvironmentOfItsOwn) {
  ::setenv("GRABFS_SECRET", "of the daemon", 1);
  EXPECT_EQ(Run("echo x${GRABFS_SECRET}x$PWD >&2; exit 0"), "exit status 0: xx/");
  ::unsetenv("GRABFS_SECRET");
}

TEST_F(ProgramTest, HasSignalsAsTheyAreByDefault) {
  sigset_t all;
  sigfillset(&all);
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &all, &before);
  EXPECT_EQ(Run("grep SigBlk /proc/self/status >&2; exit 0"),
            "exit status 0: SigBlk:?0000000000000000");
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_F(ProgramTest, ReadsNothing) { EXPECT_EQ(Run("cat; exit 0"), "exit status 0"); }

TEST_F(ProgramTest, EndsWhenAsked) {
  Program program(Order("trap 'echo goodbye >$DIR/words; exit 0' TERM; sleep 1000 & wait"));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  program.End();
  EXPECT_EQ(Await(program), "exit status 0");
  EXPECT_EQ(Content("words"), "goodbye\n") << "it had time for it";
}

TEST_F(ProgramTest, EndsThoughItDoesNotWantTo) {
  Program program(Order("trap '' TERM HUP INT; while :; do sleep 1000; done"));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  program.End();
  EXPECT_EQ(Await(program), "killed");
}

TEST_F(ProgramTest, ItsChildrenEndWithIt) {
  EXPECT_EQ(Run("sleep 12345671 & exit 0"), "exit status 0");
  EXPECT_TRUE(Comes([] { return Running("12345671") == 0; }));
}

TEST_F(ProgramTest, NoChildHidesInASessionOfItsOwn) {
  if (::geteuid() != 0) GTEST_SKIP() << "an ordinary user's program can leave its process group";
  EXPECT_EQ(
      Run("setsid -f sh -c 'trap \"\" TERM; sleep 12345672' </dev/null >/dev/null 2>&1; exit 0"),
      "exit status 0");
  EXPECT_TRUE(Comes([] { return Running("12345672") == 0; }));
}

TEST_F(ProgramTest, EndsWithTheDaemonHoweverThatDies) {
  const KeeperOrder order = Order("trap '' TERM; touch $DIR/up; sleep 12345673 & sleep 12345673");
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    Program program(order);
    for (;;) ::pause();
  }
  ASSERT_TRUE(Comes([] { return Running("12345673") >= 2; }));
  ::kill(daemon, SIGKILL);
  ::waitpid(daemon, nullptr, 0);
  EXPECT_TRUE(Comes([] { return Running("12345673") == 0; }));
}

TEST_F(ProgramTest, EndsWithItsKeeper) {
  Program program(Order("echo $PPID >$DIR/parent; sleep 12345674"));
  ASSERT_TRUE(Comes([] { return Running("12345674") >= 1; }));
  // The keeper is the child of this process.
  std::ifstream children("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  pid_t keeper = 0;
  ASSERT_TRUE(children >> keeper);
  ::kill(keeper, SIGKILL);
  EXPECT_EQ(Await(program), "killed");
  EXPECT_TRUE(Comes([] { return Running("12345674") == 0; }));
}

}  // namespace
}  // namespace grabfs
