// SPDX-License-Identifier: Apache-2.0
//
// A crowd of processes, root's and other users', walks through the whole interface of two boards at
// random and fights for them, is killed now and then, while the boards are unbound and come back.
// The kernel must have nothing to say, and when all is over everything must be as on the first day:
// no memory kept or charged, both boards at work, the module free to go.
//
// VM_WALK_SECONDS is how long; VM_SEED is where it starts.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "fusefs/base/error.h"
#include "tests/vm/guest/device.h"
#include "tests/vm/guest/environment.h"
#include "tests/vm/guest/session.h"
#include "tests/vm/guest/walker.h"

namespace grabfs::vm {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kBoards = 2;
constexpr unsigned kWalkers = 5;
constexpr uid_t kOrdinary = 1000;
constexpr rlim_t kLocked = 16 << 20;  // what an ordinary user may have of buffers

std::string Node(unsigned board) { return "/dev/grabdma" + std::to_string(board); }

std::string Attribute(unsigned board, const std::string& name) {
  return ReadText("/sys/class/grabdma/grabdma" + std::to_string(board) + "/" + name);
}

std::chrono::seconds Duration() {
  const char* const seconds = std::getenv("VM_WALK_SECONDS");
  return std::chrono::seconds(seconds == nullptr ? 60 : std::atoi(seconds));
}

void BecomeOrdinary() {
  const rlimit limit = {kLocked, kLocked};
  CheckSyscall(setrlimit(RLIMIT_MEMLOCK, &limit), "setrlimit");
  CheckSyscall(setgroups(0, nullptr), "setgroups");
  CheckSyscall(setgid(kOrdinary), "setgid");
  CheckSyscall(setuid(kOrdinary), "setuid");
}

// The exit status of a walker: 0, or 1 for an error that the interface does not know.
int Walk(uint64_t seed, bool ordinary, Clock::time_point deadline) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  try {
    if (ordinary) BecomeOrdinary();
    static_cast<void>(Walker(seed, kBoards).Run(deadline));
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "walker %llu: %s\n", static_cast<unsigned long long>(seed), error.what());
    return 1;
  }
}

// Nodes belong to root when they come.
void OpenToAll() {
  for (unsigned board = 0; board < kBoards; ++board) chmod(Node(board).c_str(), 0666);
}

// Starts walkers, kills some of them, and takes boards away and back.
class Director {
 public:
  explicit Director(Clock::time_point deadline) : random_(Seed()), deadline_(deadline) {
    for (unsigned board = 0; board < kBoards; ++board) devices_.emplace_back(Node(board));
    for (unsigned index = 0; index < kWalkers; ++index) StartOne();
  }

  void Run() {
    while (Clock::now() < deadline_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 300));
      Look();
      if (random_() % 3 == 0) KillOne();
      if (random_() % 4 == 0) TakeAndGiveBack(devices_[random_() % kBoards]);
      Replace();
    }
    for (const auto& [pid, ordinary] : walkers_) Expect(pid);
    for (const auto& [counter, counted] : happened_) EXPECT_TRUE(counted) << "no " << counter;
  }

 private:
  void StartOne() {
    const uint64_t seed = random_();
    const bool ordinary = ++started_ % 2 == 0;
    const pid_t pid = CheckSyscall(fork(), "fork");
    if (pid == 0) _exit(Walk(seed, ordinary, deadline_));
    walkers_.emplace(pid, ordinary);
  }

  // A crowd that does nothing harms nothing. Boards that come back count anew.
  void Look() {
    for (auto& [counter, counted] : happened_) {
      for (unsigned board = 0; board < kBoards; ++board) {
        counted = counted || std::stoull(Attribute(board, counter)) > 0;
      }
    }
  }

  void KillOne() {
    const auto walker = std::next(walkers_.begin(), static_cast<long>(random_() % walkers_.size()));
    kill(walker->first, SIGKILL);
  }

  void TakeAndGiveBack(const Device& device) {
    device.Unbind();
    std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 50));
    device.Bind();
    OpenToAll();
  }

  void Replace() {
    int status = 0;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (walkers_.erase(pid) == 0) continue;
      Judge(status);
      StartOne();
    }
  }

  void Expect(pid_t pid) {
    int status = 0;
    WaitUntil(
        "a walker to end", [&] { return waitpid(pid, &status, WNOHANG) == pid; },
        std::chrono::seconds(30));
    Judge(status);
  }

  static void Judge(int status) {
    EXPECT_TRUE(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
        << "a walker ended with status " << std::hex << status;
  }

  std::mt19937_64 random_;
  const Clock::time_point deadline_;
  std::vector<Device> devices_;
  std::map<pid_t, bool> walkers_;
  unsigned started_ = 0;
  // What is sure to happen in the shortest walk; a board's time-out is not.
  std::map<std::string, bool> happened_ = {
      {"frames", false}, {"drops", false}, {"errors", false}, {"faults", false}, {"sends", false}};
};

// Children of killed walkers end a moment later, and so do files that were on their way.
void ExpectNothingLeft(unsigned board) {
  for (const char* const name : {"sessions", "buffers", "memory"}) {
    WaitUntil(
        Node(board) + " to have no " + name,
        [&] { return std::stoull(Attribute(board, name)) == 0; }, std::chrono::seconds(30));
  }
}

void ExpectAtWork(unsigned board) {
  Session session(Node(board));
  session.SetFormat(session.Format().fourcc, 64, 48);
  const Buffer buffer = session.Alloc({.bytes = session.Format().bytes});
  EXPECT_EQ(session.Capture(buffer).type, GRABDMA_RECORD_FRAME);
}

// An ordinary user can have all that he may have: nothing is charged to him any more.
void ExpectNothingCharged() {
  const pid_t child = CheckSyscall(fork(), "fork");
  if (child == 0) {
    BecomeOrdinary();
    Buffer buffer;
    _exit(Session(Node(0)).TryAlloc({.bytes = kLocked}, &buffer));
  }
  int status = -1;
  CheckSyscall(waitpid(child, &status, 0), "waitpid");
  EXPECT_EQ(status, 0);
}

TEST(WalkTest, ACrowdAtRandomHarmsNothing) {
  // Faults of user memory in the kernel, for everybody; transfers that stall end soon.
  WriteText("/proc/sys/vm/unprivileged_userfaultfd", "1");
  WriteText("/sys/module/grabdma/parameters/timeout_ms", "200");
  ASSERT_EQ(FindAdapters().size(), kBoards);
  OpenToAll();
  Director(Clock::now() + Duration()).Run();

  for (unsigned board = 0; board < kBoards; ++board) {
    ExpectNothingLeft(board);
    ExpectAtWork(board);
  }
  ExpectNothingCharged();
  WaitUntil("the module to be unused", [] { return RemoveModule() == 0; });
}

}  // namespace
}  // namespace grabfs::vm
