// SPDX-License-Identifier: Apache-2.0
//
// The sentinel: it ends the mount of a daemon that is dead and cannot end, and no other.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

constexpr char kName[] = "grabfs-sentinel";

std::string FirstLine(const std::string& path) {
  std::string line;
  std::ifstream file(path);
  std::getline(file, line);
  return line;
}

// -1: the daemon has none.
pid_t SentinelOf(pid_t daemon) {
  const std::string number = std::to_string(daemon);
  std::istringstream children(FirstLine("/proc/" + number + "/task/" + number + "/children"));
  for (pid_t child = 0; children >> child;) {
    const std::string command = FirstLine("/proc/" + std::to_string(child) + "/cmdline");
    if (command.starts_with(kName)) return child;
  }
  return -1;
}

// The system call in which a process waits; "" when it runs or is gone.
std::string WaitsIn(pid_t process) {
  const std::string line = FirstLine("/proc/" + std::to_string(process) + "/syscall");
  return line.substr(0, line.find(' '));
}

constexpr char kFuseControl[] = "/sys/fs/fuse/connections";

class SentinelTest : public MountTest {
 protected:
  // Plays a daemon of this mount, and starts a sentinel as it does: process number 0 and the file
  // that aborts the connection are its descriptors 0 and 1.
  void BecomeDaemonWithSentinel() const {
    const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    const dev_t device = Stat(mount().path()).st_dev;
    const UniqueFd abort = Open(Connection() + "/abort", O_WRONLY);
    const std::string daemon = std::to_string(::getpid());
    const std::string number = std::to_string(device);
    if (::fork() != 0) return;
    ::dup2(process.get(), 0);
    ::dup2(abort.get(), 1);
    ::execl(DaemonPath().c_str(), kName, mount().path().c_str(), number.c_str(), daemon.c_str(),
            nullptr);
    ::_exit(1);
  }
  [[nodiscard]] bool HasFuseControl() const { return Exists(Connection()); }

 private:
  [[nodiscard]] std::string Connection() const {
    return std::string(kFuseControl) + "/" + std::to_string(minor(Stat(mount().path()).st_dev));
  }
};

TEST_F(SentinelTest, ASignalOfAStrangerIsNotTheDeathOfTheDaemon) {
  pid_t sentinel = -1;  // has another name until it has begun
  ASSERT_TRUE(WaitUntil([&] { return (sentinel = SentinelOf(mount().daemon().pid())) > 0; }));
  const std::string waiting = std::to_string(SYS_rt_sigtimedwait);
  ASSERT_TRUE(WaitUntil([&] { return WaitsIn(sentinel) == waiting; }));
  ASSERT_EQ(::kill(sentinel, SIGUSR1), 0);
  // It looks after the daemon, and goes on waiting.
  ASSERT_TRUE(WaitUntil([&] { return WaitsIn(sentinel) != waiting; }));
  EXPECT_TRUE(WaitUntil([&] { return WaitsIn(sentinel) == waiting; }));
  EXPECT_EQ(SentinelOf(mount().daemon().pid()), sentinel);
  device().Capture(1);
}

TEST_F(SentinelTest, ADaemonThatIsDeadButCannotEndLosesItsMount) {
  if (!HasFuseControl()) GTEST_SKIP() << "fusectl is not mounted here";
  const UniqueFd frame = Open(device().Frame(device().Capture(1)), O_RDONLY);
  const Child daemon([&](const Child::Parent& parent) {
    BecomeDaemonWithSentinel();
    // Its first thread is dead, another one hangs.
    std::thread([] {
      for (;;) ::pause();
    }).detach();
    parent.Tell();
    ::syscall(SYS_exit, 0);
    return 1;
  });
  daemon.Await();
  EXPECT_TRUE(WaitUntil([this] { return !IsMounted(mount().path()); }));
  EXPECT_EQ(XattrFd(frame.get(), "sequence"), "");
  mount().Abandon();
  Start({{kDevice}, {}});
}

TEST_F(SentinelTest, ADaemonThatEndsByItselfTakesNoMountWithIt) {
  if (!HasFuseControl()) GTEST_SKIP() << "fusectl is not mounted here";
  pid_t sentinel = -1;
  {
    Child daemon([&](const Child::Parent& parent) {
      BecomeDaemonWithSentinel();
      parent.Tell();
      parent.Await();
      return 0;
    });
    daemon.Await();
    ASSERT_TRUE(WaitUntil([&] { return (sentinel = SentinelOf(daemon.pid())) > 0; }));
    daemon.Tell();
    EXPECT_EQ(daemon.Wait(), 0);
  }
  EXPECT_TRUE(WaitUntil([&] {
    return !FirstLine("/proc/" + std::to_string(sentinel) + "/cmdline").starts_with(kName);
  }));
  EXPECT_TRUE(IsMounted(mount().path()));
  device().Capture(1);
}

}  // namespace
}  // namespace grabfs::mount_test
