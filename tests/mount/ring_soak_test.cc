// SPDX-License-Identifier: Apache-2.0
//
// A crowd of readers of one ring at a high rate: those who verify every pixel of what they hold,
// those who are killed and stopped while they hold, those who write anything into their pages.
// Nobody sees a mixture, and what the dead have held is back.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <random>
#include <vector>

#include "tests/mount/ring_client.h"

namespace grabfs::mount_test {
namespace {

constexpr unsigned kSoakBuffers = 64;
constexpr unsigned kVerifiers = 24;
constexpr unsigned kHolders = 12;
constexpr unsigned kLiars = 4;

// What all processes count together.
struct Counts {
  std::atomic<uint64_t> verified;
  std::atomic<uint64_t> torn;
  std::atomic<uint64_t> held;
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

class RingSoakTest : public MountTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (IsSkipped()) return;
    Start(
        {{"sim0=pattern,format=GREY,width=130,height=94,rate=10000,buffers=64,state=stopped"}, {}});
    device().Set("state", "start");
    ASSERT_TRUE(WaitUntil([this] { return Exists(device().latest()); }));
  }

 public:
  [[noreturn]] void Verify() {
    SoakReader reader(device());
    for (;;) {
      const auto seen = grabfs_ring_look(&reader.ring);
      if (!reader.HoldNewest(0)) continue;
      if (!picture_.IsFrame(reader.pixels(), reader.frame.sequence)) ++counts().torn;
      grabfs_ring_release(&reader.ring, 0);
      ++counts().verified;
      (void)grabfs_ring_wait(&reader.ring, seen, 1'000'000'000);
    }
  }

  // Holds one frame and looks at it again and again.
  [[noreturn]] void Hold() {
    SoakReader reader(device());
    while (!reader.HoldNewest(0)) {
    }
    ++counts().held;
    for (;;) {
      if (!picture_.IsFrame(reader.pixels(), reader.frame.sequence)) ++counts().torn;
      ::usleep(1000);
    }
  }

  [[noreturn]] void Lie() {
    SoakReader reader(device());
    std::mt19937_64 random(static_cast<uint64_t>(::getpid()));
    for (;;) {
      for (uint64_t& word : reader.words().held) {
        const uint64_t real =
            grabfs_ring_slot_at(reader.ring.ring, random() % kSoakBuffers)->generation;
        __atomic_store_n(&word, random() % 2 != 0 ? real : random(), __ATOMIC_RELAXED);
      }
      reader.words().cursor = random() % 100'000;
      reader.words().waiting = static_cast<uint32_t>(random());
      (void)::madvise(&reader.words(), 4096, MADV_REMOVE);
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
  Mapping shared_{-1, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS};
};

TEST_F(RingSoakTest, NobodySeesAMixtureAndTheDeadHoldNothing) {
  std::vector<std::unique_ptr<Child>> readers;
  std::vector<std::unique_ptr<Child>> holders;
  for (unsigned i = 0; i < kVerifiers; ++i) readers.push_back(StartChild(&RingSoakTest::Verify));
  for (unsigned i = 0; i < kLiars; ++i) readers.push_back(StartChild(&RingSoakTest::Lie));
  for (unsigned i = 0; i < kHolders; ++i) holders.push_back(StartChild(&RingSoakTest::Hold));
  std::mt19937 random(1);
  const auto end = std::chrono::steady_clock::now() + SoakTime();
  while (std::chrono::steady_clock::now() < end) {
    ASSERT_TRUE(WaitUntil([this] { return counts().held > 0; }));
    auto& victim = holders[random() % holders.size()];
    if (random() % 2 == 0) ::kill(victim->pid(), SIGSTOP);
    ::usleep(20'000);
    victim->Kill();
    victim = StartChild(&RingSoakTest::Hold);
  }
  for (auto& holder : holders) holder->Kill();
  for (auto& reader : readers) reader->Kill();
  EXPECT_EQ(counts().torn, 0U);
  EXPECT_GT(counts().verified, 0U);
  EXPECT_TRUE(WaitUntil([this] { return Held() == 0; }));
  EXPECT_EQ(device().Get("state"), "streaming");
  std::printf("%llu frames verified, %llu held by readers that were killed\n",
              static_cast<unsigned long long>(counts().verified),
              static_cast<unsigned long long>(counts().held));
}

}  // namespace
}  // namespace grabfs::mount_test
