// SPDX-License-Identifier: Apache-2.0
//
// A crowd at random, for as long as one likes: processes that read, map, fork, splice, unlink,
// lock, follow and listen, are stopped and go on, and are killed in the middle of it. Every byte of
// every frame that one of them has must belong to that frame, when it is seen first and when it is
// let go. Afterwards nothing is held and the books close: captured = delivered + recycled + dropped
// + failed + present.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <random>

#include "fusefs/base/error.h"
#include "tests/mount/support/fixture.h"
#include "tests/mount/support/visitor.h"

namespace grabfs::mount_test {
namespace {

constexpr unsigned kVisitors = 16;
constexpr const char* kBusyDevice =
    "sim0=pattern,format=BGR4,width=322,height=242,buffers=16,state=stopped,rate=";
constexpr std::chrono::milliseconds kTurn{20};
// This is the longest one: half of it at each rate.
constexpr int kSoaks = 3;

// Keeps so many visitors going, and does to them what happens to processes.
class Crowd {
 public:
  Crowd(const Device& device, const Picture& picture, unsigned seed)
      : device_(device), picture_(picture), random_(seed) {}
  ~Crowd() {
    for (const auto& [pid, seed] : visitors_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  // Until then, or until one of them has found something wrong.
  void RunUntil(std::chrono::steady_clock::time_point end) {
    while (std::chrono::steady_clock::now() < end && !::testing::Test::HasFailure()) {
      while (visitors_.size() < kVisitors) Start();
      std::this_thread::sleep_for(kTurn);
      for (const auto& [pid, seed] : visitors_) Disturb(pid);
      Reap();
    }
  }
  // Nobody is killed any more, and nobody starts: all come to their ends, however slow the machine.
  void Finish() {
    while (!visitors_.empty() && !::testing::Test::HasFailure()) {
      for (const auto& [pid, seed] : visitors_) ::kill(pid, SIGCONT);
      std::this_thread::sleep_for(kTurn);
      Reap();
    }
  }
  [[nodiscard]] unsigned killed() const { return killed_; }
  [[nodiscard]] unsigned finished() const { return finished_; }

 private:
  void Start() {
    const auto seed = static_cast<unsigned>(random_());
    const pid_t pid = ::fork();
    if (pid < 0) ThrowErrno("fork");
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::_exit(Visit(device_, picture_, seed));
    }
    visitors_[pid] = seed;
  }

  void Disturb(pid_t pid) {
    const uint64_t what = random_() % 60;
    if (what % 3 == 0) ::kill(pid, SIGCONT);
    if (what != 0) return;
    ::kill(pid, SIGKILL);
    killed_++;
  }

  void Reap() {
    for (auto it = visitors_.begin(); it != visitors_.end();) {
      int status = 0;
      if (::waitpid(it->first, &status, WNOHANG) != it->first) {
        ++it;
        continue;
      }
      const bool was_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
      EXPECT_TRUE(was_killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
          << "the visitor of seed " << it->second << " ended with " << status;
      finished_ += was_killed ? 0 : 1;
      it = visitors_.erase(it);
    }
  }

  const Device& device_;
  const Picture& picture_;
  std::mt19937 random_;
  std::map<pid_t, unsigned> visitors_;  // with their seeds
  unsigned killed_ = 0;
  unsigned finished_ = 0;
};

class SoakTest : public MountTest, public ::testing::WithParamInterface<const char*> {
 protected:
  [[nodiscard]] bool BooksClose() const {
    const nlohmann::json status = device().Status();
    const nlohmann::json& counters = status.at("counters");
    uint64_t sum = 0;
    for (const char* part : {"delivered", "recycled", "dropped", "failed", "present"}) {
      sum += counters.at(part).get<uint64_t>();
    }
    return counters.at("captured").get<uint64_t>() == sum &&
           counters.at("captured") == status.at("sequence").at("next");
  }
};

TEST_P(SoakTest, EveryByteThatACrowdSeesBelongsToItsFrameAndTheBooksClose) {
  Start({{kBusyDevice + std::string(GetParam())}, {}});
  const Picture picture("BGR4", 322, 242);
  const Device sim = device();
  const auto seed = static_cast<unsigned>(std::random_device()());
  device().Set("state", "start");
  {
    Crowd crowd(sim, picture, seed);
    crowd.RunUntil(std::chrono::steady_clock::now() + kSoaks * SoakTime() / 2);
    crowd.Finish();
    std::printf("seed %u: %u visitors came to their end, %u were killed\n", seed, crowd.finished(),
                crowd.killed());
    EXPECT_GT(crowd.finished(), 0U);
  }
  device().Stop();
  EXPECT_TRUE(BooksClose()) << device().Status().dump();
  EXPECT_EQ(device().Status().at("counters").at("failed"), 0);
  EXPECT_TRUE(WaitUntil([this] {
    const nlohmann::json status = device().Status();
    return status.at("buffers").at("held") == 0 && status.at("streams").empty();
  })) << device().Status().dump();
  EXPECT_TRUE(BooksClose()) << device().Status().dump();
  std::printf("counters %s\n", device().Status().at("counters").dump().c_str());
}

// As a camera does, and flat out.
INSTANTIATE_TEST_SUITE_P(Rates, SoakTest, ::testing::Values("200", "0"), [](const auto& rate) {
  return std::string(rate.param) == "0" ? "FlatOut" : "AtARate";
});

}  // namespace
}  // namespace grabfs::mount_test
