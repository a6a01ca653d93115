// SPDX-License-Identifier: Apache-2.0
//
// Bad luck at random moments, with grabfs mounted and readers at work: the daemon is killed, the
// device unbound, removed, unplugged, the module asked to go. What somebody looks at stays as it
// is, new operations are refused with the error that says why, and the next mount, on the module
// loaded anew, works as on the first day.
//
// The moments come from VM_SEED. The kernel's own complaints, if any, are found by the harness.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "fusefs/base/error.h"
#include "tests/mount/support/fixture.h"
#include "tests/vm/guest/device.h"
#include "tests/vm/guest/environment.h"
#include "tests/vm/guest/frame_readers.h"

namespace grabfs::vm {
namespace {

using mount_test::ActiveDataPath;
using mount_test::DataPath;

constexpr unsigned kReaders = 3;
constexpr char kName[] = "board";

// A picture that fits into one piece of edu's memory: its transfers take 100 ms.
constexpr uint32_t kWidth = 32;
constexpr uint32_t kHeight = 32;

void Nap(uint64_t milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

// The newest frame, open and mapped, and what it looked like at first.
class HeldFrame {
 public:
  explicit HeldFrame(const std::string& path)
      : file_(mount_test::Open(path, O_RDONLY)),
        mapping_(file_.get(), static_cast<size_t>(mount_test::StatFd(file_.get()).st_size)),
        copy_(mapping_.bytes().begin(), mapping_.bytes().end()) {}

  [[nodiscard]] bool Unchanged() const {
    return std::equal(copy_.begin(), copy_.end(), mapping_.bytes().begin());
  }
  // By read(), which without passthrough may need the daemon.
  [[nodiscard]] bool Readable() const { return mount_test::ReadAll(file_.get()) == copy_; }

 private:
  UniqueFd file_;
  mount_test::Mapping mapping_;
  std::vector<std::byte> copy_;
};

class GrabfsLifetimeTest : public mount_test::EnvironmentTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    WaitForAdapter();
    board_.emplace(AdapterPath());
  }

  void Mount() {
    mount_.emplace(mount_test::MountSpec{{std::string(kName) + "=grabdma:" + AdapterPath() +
                                          ",format=GREY,width=32,height=32,rate=100"},
                                         {}});
  }

  void KillDaemon() {
    mount_->daemon().Signal(SIGKILL);
    mount_->daemon().Wait();
  }

  // The module goes, since nobody uses it any more, and comes back with its devices.
  static void ReloadModule() {
    WaitUntil("the module to be unused", [] { return RemoveModule() == 0; });
    InsertModule();
    WaitForAdapter();
  }

  void ExpectCaptures() const {
    const auto device = mount_->GetDevice(kName);
    const uint64_t sequence = device.Capture(1);
    EXPECT_TRUE(picture_.IsFrame(mount_test::ReadFile(device.Frame(sequence)), sequence));
  }

  const mount_test::Picture picture_{"GREY", kWidth, kHeight};
  std::optional<Device> board_;
  std::optional<mount_test::Mount> mount_;
};

// What happens to a mount in full flight. Returns when a reader has been held through it.
class InFullFlight {
 public:
  InFullFlight(const mount_test::Device& device, const mount_test::Picture& picture, uint64_t seed)
      : device_(device), readers_(device, picture, kReaders, seed) {
    device_.Set("state", "start");
    WaitUntil("a frame", [this] { return mount_test::Exists(device_.latest()); });
    Nap(seed % 150);
    WaitUntil("a frame to hold", [this] { return Hold(); });
  }

  [[nodiscard]] const HeldFrame& held() const { return *held_; }
  void LetGo() {
    EXPECT_GT(readers_.Stop(), 0U) << "nobody ever saw a frame";
    held_.reset();
  }

 private:
  bool Hold() {
    try {
      held_.emplace(device_.latest());
      return true;
    } catch (const Error& error) {
      if (error.code() != ENOENT && error.code() != ESTALE) throw;
      return false;
    }
  }

  mount_test::Device device_;
  FrameReaders readers_;
  std::optional<HeldFrame> held_;
};

class GrabfsLossTest : public GrabfsLifetimeTest, public testing::WithParamInterface<Loss> {
 protected:
  void SetUp() override {
    GrabfsLifetimeTest::SetUp();
    if (!IsSkipped() && IsOfTheBus(GetParam()) && !board_->is_pci()) {
      GTEST_SKIP() << AdapterName() << " is not on a bus that forgets devices";
    }
  }
};

TEST_P(GrabfsLossTest, FramesStayCapturesAreRefusedAndTheBoardComesBack) {
  constexpr int kRounds = 2;
  std::mt19937_64 random(Seed() + static_cast<uint64_t>(GetParam()));
  for (int round = 0; round < kRounds; ++round) {
    Mount();
    const auto device = mount_->GetDevice(kName);
    InFullFlight flight(device, picture_, random());
    EXPECT_NE(RemoveModule(), 0) << "with a mount";
    board_->Lose(GetParam());
    EXPECT_TRUE(flight.held().Unchanged());
    EXPECT_TRUE(flight.held().Readable());
    EXPECT_NE(RemoveModule(), 0) << "with a frame that somebody looks at";
    WaitUntil("captures to be refused", [&] { return device.TrySet("trigger", "1") == ENODEV; });
    EXPECT_TRUE(flight.held().Unchanged());
    flight.LetGo();
    WaitUntil("the directory to go", [&] { return !mount_test::Exists(device.Path("")); });

    board_->Restore(GetParam());
    WaitUntil("the board in the mount", [&] { return mount_test::Exists(device.Path("state")); });
    ExpectCaptures();
    mount_.reset();
    ReloadModule();
  }
}

INSTANTIATE_TEST_SUITE_P(EveryWay, GrabfsLossTest,
                         testing::Values(Loss::kUnbind, Loss::kRemove, Loss::kUnplug),
                         [](const auto& way) { return LossName(way.param); });

TEST_F(GrabfsLifetimeTest, AKilledDaemonTakesNoFrameWithIt) {
  constexpr int kRounds = 3;
  std::mt19937_64 random(Seed());
  for (int round = 0; round < kRounds; ++round) {
    Mount();
    const auto device = mount_->GetDevice(kName);
    InFullFlight flight(device, picture_, random());
    KillDaemon();
    EXPECT_TRUE(flight.held().Unchanged());
    for (const std::string& file : {device.Path("trigger"), device.latest()}) {
      // On a slow machine the sentinel takes the mount away, as it does if a daemon cannot exit.
      const int error = mount_test::OpenError(file, O_RDONLY);
      EXPECT_TRUE(error == ENOTCONN || error == ENOENT) << file << ": " << error;
    }
    if (ActiveDataPath() == DataPath::kPassthrough) {
      EXPECT_TRUE(flight.held().Readable());
      EXPECT_NE(RemoveModule(), 0) << "with a frame that somebody looks at";
    }
    flight.LetGo();
    mount_->Abandon();
    mount_.reset();
    ReloadModule();
  }
  Mount();
  ExpectCaptures();
}

// The device and its module come and go while daemons come, are killed, and go in peace.
TEST_F(GrabfsLifetimeTest, EverythingAtOnce) {
  constexpr int kRounds = 4;
  std::mt19937_64 random(Seed());
  for (int round = 0; round < kRounds; ++round) {
    Mount();
    mount_->GetDevice(kName).Set("state", "start");
    FrameReaders readers(mount_->GetDevice(kName), picture_, kReaders, random());
    mount_test::Child mischief([&](const mount_test::Child::Parent&) {
      for (int deed = 0; deed < 3; ++deed) {
        Nap(random() % 60);
        board_->Unbind();
        if (RemoveModule() == 0) InsertModule();
        Nap(random() % 60);
        if (!board_->bound()) board_->Bind();
      }
      return 0;
    });
    Nap(random() % 250);
    const bool killed = random() % 2 == 0;
    if (killed) KillDaemon();
    EXPECT_EQ(mischief.Wait(), 0);
    static_cast<void>(readers.Stop());
    if (killed) mount_->Abandon();
    mount_.reset();
    WaitForAdapter();
  }
  ReloadModule();
  Mount();
  ExpectCaptures();
}

}  // namespace
}  // namespace grabfs::vm
