// SPDX-License-Identifier: Apache-2.0
//
// The soak behind the promise of frames/: while the device captures as fast as it can, readers open
// frames at random, by every way of reading, hold some for a while, and every byte of every frame
// must belong to the sequence number in its name, at first sight and when it is let go. Afterwards
// the books must close: captured = delivered + recycled + dropped + failed + present.
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "tests/mount/support/aligned_buffer.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

constexpr unsigned kReaders = 3;
constexpr uint32_t kSoakWidth = 322;
constexpr uint32_t kSoakHeight = 242;
constexpr auto kLongestHold = std::chrono::microseconds(20000);

// What the readers know when they are done, to be compared with the device's own counters.
class Ledger {
 public:
  void Opened(uint64_t sequence) {
    const std::lock_guard lock(mutex_);
    opened_.insert(sequence);
  }
  void Verified() { verified_++; }
  [[nodiscard]] size_t distinct() const { return opened_.size(); }
  [[nodiscard]] uint64_t verified() const { return verified_; }

 private:
  std::mutex mutex_;
  std::set<uint64_t> opened_;
  std::atomic<uint64_t> verified_ = 0;
};

// One reader: picks a frame, looks at it, holds it, looks again.
class Reader {
 public:
  Reader(const Device& device, const Picture& picture, bool gives_up, unsigned seed, Ledger& ledger)
      : device_(device), picture_(picture), gives_up_(gives_up), random_(seed), ledger_(ledger) {}

  void RunUntil(std::chrono::steady_clock::time_point end) {
    while (std::chrono::steady_clock::now() < end && !::testing::Test::HasFailure()) {
      if (const std::optional<uint64_t> sequence = Pick()) Visit(*sequence);
    }
  }

 private:
  uint64_t Draw(uint64_t below) {
    return std::uniform_int_distribution<uint64_t>(0, below - 1)(random_);
  }

  std::optional<uint64_t> Pick() {
    const std::vector<uint64_t> sequences = device_.Frames();
    if (sequences.empty()) return std::nullopt;
    return sequences[Draw(sequences.size())];
  }

  void Visit(uint64_t sequence) {
    const std::string path = device_.Frame(sequence);
    const bool direct = Draw(3) == 0;
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | (direct ? O_DIRECT : 0)));
    if (!fd.valid()) {
      EXPECT_EQ(errno, ENOENT) << path;  // recycled since it was listed
      return;
    }
    ledger_.Opened(sequence);
    EXPECT_EQ(XattrFd(fd.get(), "sequence"), std::to_string(sequence));
    if (!direct && Draw(2) == 0) {
      VisitByMapping(std::move(fd), sequence);
    } else {
      VisitByRead(fd.get(), sequence);
    }
    if (gives_up_) GiveUp(path);
  }

  void VisitByMapping(UniqueFd fd, uint64_t sequence) {
    const Mapping mapping(fd.get(), picture_.bytes());
    if (Draw(2) == 0) fd.reset();
    Verify(mapping.bytes(), sequence);
    Hold();
    Verify(mapping.bytes(), sequence);
  }

  void VisitByRead(int fd, uint64_t sequence) {
    AlignedBuffer pixels(picture_.bytes());
    VerifyRead(fd, pixels, sequence);
    Hold();
    VerifyRead(fd, pixels, sequence);
  }

  void VerifyRead(int fd, const AlignedBuffer& pixels, uint64_t sequence) {
    const ssize_t got = ::pread(fd, pixels.data(), pixels.capacity(), 0);
    ASSERT_EQ(got, static_cast<ssize_t>(picture_.bytes())) << "frame " << sequence;
    Verify({pixels.data(), picture_.bytes()}, sequence);
  }

  void Verify(std::span<const std::byte> pixels, uint64_t sequence) {
    EXPECT_TRUE(picture_.IsFrame(pixels, sequence));
    ledger_.Verified();
  }

  void Hold() {
    if (Draw(2) == 0) return;
    std::this_thread::sleep_for(std::chrono::microseconds(Draw(kLongestHold.count())));
  }

  // Another reader may have given it up before.
  static void GiveUp(const std::string& path) {
    const int error = ErrorOf(::unlink(path.c_str()));
    EXPECT_TRUE(error == 0 || error == ENOENT) << path;
  }

  const Device& device_;
  const Picture& picture_;
  bool gives_up_;
  std::mt19937_64 random_;
  Ledger& ledger_;
};

struct Counters {
  explicit Counters(const nlohmann::json& status) {
    const nlohmann::json& counters = status.at("counters");
    captured = counters.at("captured");
    delivered = counters.at("delivered");
    recycled = counters.at("recycled");
    dropped = counters.at("dropped");
    failed = counters.at("failed");
    present = counters.at("present");
  }
  uint64_t captured, delivered, recycled, dropped, failed, present;
};

class IdentityTest : public MountTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void Soak(const Picture& picture, Ledger& ledger) {
    const auto end = std::chrono::steady_clock::now() + SoakTime();
    const bool gives_up = GetParam() == std::string("keep-oldest");
    const Device sim = device();
    std::vector<std::jthread> threads;
    for (unsigned seed = 0; seed < kReaders; seed++) {
      threads.emplace_back(
          [&, seed] { Reader(sim, picture, gives_up, seed, ledger).RunUntil(end); });
    }
  }

  // With every frame given up, nothing is present and what was ever opened has been delivered.
  void GiveUpAll() const {
    for (const uint64_t sequence : device().Frames()) {
      EXPECT_EQ(ErrorOf(::unlink(device().Frame(sequence).c_str())), 0);
    }
    EXPECT_TRUE(WaitUntil([this] { return Counters(device().Status()).present == 0; }));
  }
};

TEST_P(IdentityTest, EveryByteOfEveryFrameBelongsToItsNameAndTheBooksClose) {
  Start({{"sim0=pattern,format=BGR4,width=322,height=242,rate=0,buffers=8,state=stopped,policy=" +
          std::string(GetParam())},
         {}});
  const Picture picture("BGR4", kSoakWidth, kSoakHeight);
  Ledger ledger;
  device().Set("state", "start");
  Soak(picture, ledger);
  device().Stop();
  // Not later: what a device had under way when it was told to stop has numbers, too.
  const nlohmann::json stopped = device().Status();
  EXPECT_EQ(Counters(stopped).captured, stopped.at("sequence").at("next")) << stopped.dump();
  if (ledger.verified() == 0) {
    // On this slow machine each frame was gone before a reader had it open: fewer of them, then.
    device().Set("rate", "10");
    device().Set("state", "start");
    Soak(picture, ledger);
    device().Stop();
  }
  GiveUpAll();

  const nlohmann::json status = device().Status();
  const Counters counters(status);
  EXPECT_EQ(counters.captured, counters.delivered + counters.recycled + counters.dropped +
                                   counters.failed + counters.present)
      << status.dump();
  EXPECT_EQ(counters.delivered, ledger.distinct()) << status.dump();
  EXPECT_EQ(counters.failed, 0U) << status.dump();
  EXPECT_GT(ledger.verified(), 0U);
  std::printf("captured %ju, verified %ju, counters %s\n", uintmax_t{counters.captured},
              uintmax_t{ledger.verified()}, status.at("counters").dump().c_str());
}

INSTANTIATE_TEST_SUITE_P(Policies, IdentityTest, ::testing::Values("keep-newest", "keep-oldest"),
                         [](const auto& policy) {
                           return std::string(policy.param) == "keep-newest" ? "KeepNewest"
                                                                             : "KeepOldest";
                         });

}  // namespace
}  // namespace grabfs::mount_test
