// SPDX-License-Identifier: Apache-2.0
//
// A crowd of readers of one ring at a high rate, as many as a device takes: those who verify every
// pixel of what they hold, those who are killed and stopped while they hold, those who fork, those
// who write anything into their pages and try all that is forbidden. Nobody sees a mixture, and
// what the dead have held is back.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <random>
#include <tuple>
#include <vector>

#include "tests/mount/ring_client.h"

namespace grabfs::mount_test {
namespace {

// More than all together hold.
constexpr unsigned kSoakBuffers = 128;
// Together with the children of those who fork as many as a device takes, which is 64.
constexpr unsigned kVerifiers = 26;
constexpr unsigned kHolders = 14;
constexpr unsigned kForkers = 6;
constexpr unsigned kLiars = 12;

// What all processes count together.
struct Counts {
  std::atomic<uint64_t> verified;
  std::atomic<uint64_t> torn;
  std::atomic<uint64_t> held;
  std::atomic<uint64_t> forked;
  std::atomic<uint64_t> refused;
  std::atomic<uint64_t> permitted;  // of what is forbidden
};

class SoakReader : public RingClient {
 public:
  explicit SoakReader(const Device& device) : RingClient(device) {
    if (attached != 0) throw Error(-attached, "attaching to the ring");
  }
  [[nodiscard]] grabfs_hold_page& words() {
    return *reinterpret_cast<grabfs_hold_page*>(page().data());
  }
};

// The page of a reader that was killed may be in the way until the daemon has heard of its death.
std::unique_ptr<SoakReader> Join(const Device& device) {
  for (;;) {
    try {
      return std::make_unique<SoakReader>(device);
    } catch (const Error& error) {
      if (error.code() != EDQUOT) throw;
    }
    ::usleep(1000);
  }
}

class RingSoakTest : public MountTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (IsSkipped()) return;
    Start({{"sim0=pattern,format=GREY,width=130,height=94,rate=10000,buffers=128,state=stopped"},
           {}});
    device().Set("state", "start");
    ASSERT_TRUE(WaitUntil([this] { return Exists(device().latest()); }));
  }

 public:
  [[noreturn]] void Verify() {
    const auto reader = Join(device());
    for (;;) {
      const auto seen = grabfs_ring_look(&reader->ring);
      if (!reader->HoldNewest()) continue;
      Check(*reader);
      reader->Release();
      ++counts().verified;
      (void)grabfs_ring_wait(&reader->ring, seen, 1'000'000'000);
    }
  }

  // Holds one frame and looks at it again and again.
  [[noreturn]] void Hold() {
    const auto reader = Join(device());
    HoldOne(*reader);
    ++counts().held;
    for (;;) {
      Check(*reader);
      ::usleep(1000);
    }
  }

  // Gives a child a page of its own, with a frame in it, which stays when the parent's is gone.
  [[noreturn]] void Fork() {
    for (;;) {
      auto own = Join(device());
      auto of_child = Join(device());
      HoldOne(*own);
      HoldOne(*of_child);
      const pid_t child = ::fork();
      if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        own.reset();
        CheckForAWhile(*of_child);
        ::_exit(0);
      }
      of_child.reset();
      CheckForAWhile(*own);
      ::waitpid(child, nullptr, 0);
      ++counts().forked;
    }
  }

  [[noreturn]] void Lie() {
    const auto reader = Join(device());
    std::mt19937_64 random(static_cast<uint64_t>(::getpid()));
    for (;;) {
      for (uint64_t& word : reader->words().held) {
        const uint64_t real =
            grabfs_ring_slot_at(reader->ring.ring, random() % kSoakBuffers)->generation;
        __atomic_store_n(&word, random() % 2 != 0 ? real : random(), __ATOMIC_RELAXED);
      }
      reader->words().cursor = random() % 100'000;
      reader->words().waiting = static_cast<uint32_t>(random());
      if (random() % 1000 == 0) TryWhatIsForbidden(*reader);
      ::usleep(50);
    }
  }

  std::unique_ptr<Child> StartChild(void (RingSoakTest::*body)()) {
    return std::make_unique<Child>([this, body](const Child::Parent&) -> int {
      (this->*body)();
      return 0;
    });
  }

  [[nodiscard]] Counts& counts() { return *reinterpret_cast<Counts*>(shared_.data()); }
  [[nodiscard]] uint64_t Held() const { return device().Status().at("buffers").at("held"); }

 private:
  static void HoldOne(SoakReader& reader) {
    while (!reader.HoldNewest()) {
    }
  }
  void Check(const SoakReader& reader) {
    if (!picture_.IsFrame(reader.pixels(), reader.frame.sequence)) ++counts().torn;
  }
  void CheckForAWhile(const SoakReader& reader) {
    for (int times = 0; times < 20; ++times) {
      Check(reader);
      ::usleep(1000);
    }
  }

  void Expect(bool refused) { ++(refused ? counts().refused : counts().permitted); }

  void TryWhatIsForbidden(SoakReader& reader) {
    const std::string ring = device().Path("ring");
    std::ignore = ::truncate(ring.c_str(), 0);  // accepted, and changes nothing
    Expect(::truncate(ring.c_str(), 1) != 0);
    Expect(!UniqueFd(::open(ring.c_str(), O_RDWR | O_CLOEXEC)).valid());
    const auto page = const_cast<grabfs_ring_header*>(reader.ring.ring);
    Expect(::mprotect(page, sizeof(*page), PROT_READ | PROT_WRITE) != 0);
    Expect(::madvise(page, sizeof(*page), MADV_REMOVE) != 0);
    Expect(::madvise(&reader.words(), sizeof(reader.words()), MADV_REMOVE) != 0);
    Expect(::truncate(device().Buffer(0).c_str(), 1) != 0);
  }

  Mapping shared_{-1, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS};
};

using Body = void (RingSoakTest::*)();

// A reader that is killed again and again.
struct Mortal {
  Body body;
  std::unique_ptr<Child> process;
};

TEST_F(RingSoakTest, NobodySeesAMixtureAndTheDeadHoldNothing) {
  std::vector<std::unique_ptr<Child>> readers;
  std::vector<Mortal> mortals;
  for (unsigned i = 0; i < kVerifiers; ++i) readers.push_back(StartChild(&RingSoakTest::Verify));
  for (unsigned i = 0; i < kLiars; ++i) readers.push_back(StartChild(&RingSoakTest::Lie));
  for (unsigned i = 0; i < kHolders + kForkers; ++i) {
    const Body body = i < kHolders ? &RingSoakTest::Hold : &RingSoakTest::Fork;
    mortals.push_back({body, StartChild(body)});
  }
  std::mt19937 random(1);
  const auto end = std::chrono::steady_clock::now() + SoakTime();
  while (std::chrono::steady_clock::now() < end) {
    ASSERT_TRUE(WaitUntil([this] { return counts().held > 0; }));
    Mortal& victim = mortals[random() % mortals.size()];
    if (random() % 2 == 0) ::kill(victim.process->pid(), SIGSTOP);
    ::usleep(20'000);
    victim.process->Kill();
    victim.process = StartChild(victim.body);
  }
  EXPECT_TRUE(WaitUntil([this] { return counts().verified > 0 && counts().forked > 0; }));
  for (auto& mortal : mortals) mortal.process->Kill();
  for (auto& reader : readers) reader->Kill();
  EXPECT_EQ(counts().torn, 0U);
  EXPECT_EQ(counts().permitted, 0U);
  EXPECT_GT(counts().refused, 0U);
  EXPECT_TRUE(WaitUntil([this] { return Held() == 0; }));
  EXPECT_EQ(device().Get("state"), "streaming");
  device().Stop();
  const auto books = device().Status().at("counters");
  const auto count = [&](const char* name) { return books.at(name).get<uint64_t>(); };
  EXPECT_EQ(count("captured"),
            count("delivered") + count("recycled") + count("dropped") + count("present"));
  std::printf("%llu frames, %llu dropped, %llu verified, %llu held by the killed, %llu forks\n",
              static_cast<unsigned long long>(count("captured")),
              static_cast<unsigned long long>(count("dropped")),
              static_cast<unsigned long long>(counts().verified),
              static_cast<unsigned long long>(counts().held),
              static_cast<unsigned long long>(counts().forked));
}

}  // namespace
}  // namespace grabfs::mount_test
