// SPDX-License-Identifier: Apache-2.0
//
// The log on a real stderr.
#include "fusefs/base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <thread>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs {
namespace {

// Puts a file in the place of stderr and gives back what was written to it.
class Log : public testing::Test {
 protected:
  Log()
      : original_(CheckSyscall(::dup(STDERR_FILENO), "dup")),
        file_(CheckSyscall(::memfd_create("stderr", MFD_CLOEXEC), "memfd_create")) {
    ::unsetenv("JOURNAL_STREAM");
    CheckSyscall(::dup2(file_.get(), STDERR_FILENO), "dup2");
    InitLog(LogTarget::kStderr);
  }
  ~Log() override {
    ::unsetenv("JOURNAL_STREAM");
    ::dup2(original_.get(), STDERR_FILENO);
    InitLog(LogTarget::kStderr);
  }

  [[nodiscard]] std::string Written() const {
    std::string text(1 << 20, '\0');
    const ssize_t size = ::pread(file_.get(), text.data(), text.size(), 0);
    text.resize(static_cast<size_t>(CheckSyscall(size, "pread")));
    return text;
  }

  // Names stderr in the environment, as systemd does.
  void AnnounceJournal(ino_t difference) const {
    struct stat status {};
    CheckSyscall(::fstat(file_.get(), &status), "fstat");
    const std::string stream =
        std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino + difference);
    ::setenv("JOURNAL_STREAM", stream.c_str(), 1);
    InitLog(LogTarget::kStderr);
  }

  UniqueFd original_;
  UniqueFd file_;
};

TEST_F(Log, WritesOneLineForEachMessageWithTheProgramsName) {
  LogInfo("mounted");
  LogWarning("slow");
  LogError("broken");
  EXPECT_EQ(Written(), "grabfs: mounted\ngrabfs: slow\ngrabfs: broken\n");
}

TEST_F(Log, TellsTheJournalThePriority) {
  AnnounceJournal(0);
  LogInfo("mounted");
  LogWarning("slow");
  LogError("broken");
  EXPECT_EQ(Written(), "<6>grabfs: mounted\n<4>grabfs: slow\n<3>grabfs: broken\n");
}

TEST_F(Log, WritesNoPriorityWhenStderrIsNotTheJournals) {
  AnnounceJournal(1);
  LogInfo("mounted");
  EXPECT_EQ(Written(), "grabfs: mounted\n");
}

TEST_F(Log, KeepsLinesOfManyThreadsWhole) {
  constexpr int kThreads = 4;
  constexpr int kLines = 200;
  const std::string text(100, 'x');
  // O_APPEND, as a log file is opened: pipes and the journal's socket need nothing.
  ASSERT_EQ(::fcntl(STDERR_FILENO, F_SETFL, O_APPEND), 0);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int line = 0; line < kLines; ++line) LogInfo(text);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::istringstream lines(Written());
  std::string line;
  int count = 0;
  for (; std::getline(lines, line); ++count) EXPECT_EQ(line, "grabfs: " + text);
  EXPECT_EQ(count, kThreads * kLines);
}

TEST_F(Log, NeverFails) {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::dup2(full.get(), STDERR_FILENO), STDERR_FILENO);
  LogError("nowhere to go");
  ::close(STDERR_FILENO);
  LogError("no stderr at all");
}

TEST_F(Log, SyslogTakesNothingToStderr) {
  InitLog(LogTarget::kSyslog);
  LogInfo("100 %s and %n are no formats");
  EXPECT_EQ(Written(), "");
}

}  // namespace
}  // namespace grabfs
