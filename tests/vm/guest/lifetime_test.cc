// SPDX-License-Identifier: Apache-2.0
//
// Bad luck at random moments: processes that capture, map and fork are killed, the device is
// unbound, removed, unplugged, the module asked to go. Nobody may hang, no page that was captured
// may change or vanish under a mapping, and afterwards everything works as on the first day.
//
// The moments come from VM_SEED. The kernel's own complaints, if any, are found by the harness.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fusefs/base/error.h"
#include "tests/vm/guest/device.h"
#include "tests/vm/guest/environment.h"
#include "tests/vm/guest/pagemap.h"
#include "tests/vm/guest/session.h"

namespace grabfs::vm {
namespace {

constexpr uint64_t kBufferBytes = 256 * 1024;

// A child process; killed and reaped at the end of its life.
class Child {
 public:
  template <typename Body>
  explicit Child(Body body) : pid_(fork()) {
    if (pid_ < 0) ThrowErrno("fork");
    if (pid_ == 0) _exit(body());
  }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }

  void Kill() const { kill(pid_, SIGKILL); }

  // The wait status; throws Error(ETIMEDOUT) when it does not end.
  int Wait() {
    int status = 0;
    WaitUntil("a child to end", [&] { return waitpid(pid_, &status, WNOHANG) == pid_; });
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

// A process that does everything that a client can do, in random order, until the device goes.
class Client {
 public:
  explicit Client(uint64_t seed) : random_(seed) {}

  // The child's exit status: 0 when the device went, 1 for an error that should not be.
  int Run() {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
      for (;;) RunSession();
    } catch (const Error& error) {
      if (IsDeviceGone(error.code())) return 0;
      std::fprintf(stderr, "client: %s\n", error.what());
      return 1;
    }
  }

 private:
  // No node, a node without a device, or a node that udev's successor is just replacing.
  static bool IsDeviceGone(int code) { return code == ENODEV || code == ENOENT || code == ENXIO; }

  void RunSession() {
    Session session(AdapterPath());
    // Small pictures: many captures, and each fits into a buffer.
    if (AdapterName() == "virtual") session.SetFormat(session.Format().fourcc, 64, 48);
    std::vector<Buffer> buffers;
    for (int count = 0; count < 4; ++count)
      buffers.push_back(session.Alloc(RandomRequest(session)));
    for (int step = 0; step < 40; ++step) Act(session, buffers[random_() % buffers.size()]);
  }

  AllocRequest RandomRequest(const Session& session) {
    static constexpr uint32_t kStrategies[] = {GRABDMA_ALLOC_PAGES, GRABDMA_ALLOC_LARGE,
                                               GRABDMA_ALLOC_CONTIGUOUS};
    const bool output =
        (session.Info().directions & GRABDMA_DIRECTION_OUTPUT) != 0 && random_() % 4 == 0;
    AllocRequest request = {.bytes = kBufferBytes};
    if (output) {
      request.direction = GRABDMA_DIRECTION_OUTPUT;
      request.writeback_ms = random_() % 2 == 0 ? 5 : 0;
    } else {
      request.strategy = kStrategies[random_() % 3];
    }
    return request;
  }

  void Act(Session& session, const Buffer& buffer) {
    switch (random_() % 8) {
      case 0:
        return Expect(session.TryStart(1, 500, 0));
      case 1:
        return Expect(session.TryTrigger(1 + random_() % 4));
      case 2:
        return session.Stop(random_() % 2 == 0 ? GRABDMA_STOP_DEQUEUE : 0);
      case 3:
        static_cast<void>(session.Read(std::chrono::milliseconds(random_() % 10)));
        return;
      case 4:
        return TouchThroughMapping(buffer);
      case 5:
        return LeaveMappingToChild(buffer);
      case 6:
        static_cast<void>(fsync(buffer.live.get()));  // May find the device gone.
        return;
      default:
        return Expect(session.TryQueue(buffer.id));
    }
  }

  // What may happen to a well-formed request at any moment, and the end of the device.
  static void Expect(int error) {
    if (error == 0 || error == EBUSY || error == EALREADY || error == EOPNOTSUPP) return;
    throw Error(error, "request refused: " + ErrnoText(error));
  }

  void TouchThroughMapping(const Buffer& buffer) {
    const Mapping mapping(buffer.live.get(), buffer.bytes, PROT_READ | PROT_WRITE, MAP_SHARED);
    mapping.bytes()[random_() % buffer.bytes] = std::byte{1};
  }

  // The child outlives the session's descriptors, as a viewer would.
  void LeaveMappingToChild(const Buffer& buffer) {
    const Mapping mapping(buffer.live.get(), buffer.bytes, PROT_READ, MAP_SHARED);
    const auto nap = std::chrono::milliseconds(random_() % 30);
    signal(SIGCHLD, SIG_IGN);
    if (fork() != 0) return;
    std::this_thread::sleep_for(nap);
    static_cast<void>(*static_cast<const volatile std::byte*>(&mapping.bytes().back()));
    _exit(0);
  }

  std::mt19937_64 random_;
};

// One frame captured and mapped, and what it looked like.
class CapturedFrame {
 public:
  CapturedFrame() : session_(AdapterPath()), buffer_(session_.Alloc({.bytes = Bytes(session_)})) {
    if (session_.Capture(buffer_).type != GRABDMA_RECORD_FRAME) throw Error(EIO, "no frame");
    mapping_.emplace(buffer_.frame.get(), buffer_.bytes, PROT_READ, MAP_SHARED);
    copy_.assign(mapping_->bytes().begin(), mapping_->bytes().end());
  }

  [[nodiscard]] bool Unchanged() const {
    return std::equal(copy_.begin(), copy_.end(), mapping_->bytes().begin());
  }
  Session& session() { return session_; }
  [[nodiscard]] uint32_t id() const { return buffer_.id; }

  // Mapping and descriptors stay, the session ends.
  void CloseSession() { session_.Close(); }
  // Only the mapping stays.
  void CloseDescriptors() {
    session_.Close();
    buffer_.live.reset();
    buffer_.frame.reset();
  }

 private:
  static uint64_t Bytes(Session& session) {
    if (AdapterName() == "virtual") session.SetFormat(session.Format().fourcc, 320, 240);
    return session.Format().bytes;
  }

  Session session_;
  Buffer buffer_;
  std::optional<Mapping> mapping_;
  std::vector<std::byte> copy_;
};

// What poll() says of a session at once.
int PollEvents(const Session& session) {
  pollfd waiting = {.fd = session.fd(), .events = POLLIN, .revents = 0};
  CheckSyscall(poll(&waiting, 1, 0), "poll");
  return waiting.revents;
}

class LossTest : public testing::TestWithParam<Loss> {
 protected:
  void SetUp() override {
    WaitForAdapter();
    device_.emplace(AdapterPath());
    if (IsOfTheBus(GetParam()) && !device_->is_pci()) {
      GTEST_SKIP() << AdapterName() << " is not on a bus that forgets devices";
    }
  }

  std::optional<Device> device_;
};

TEST_P(LossTest, CapturedPagesOutliveTheDevice) {
  const std::string node = AdapterPath();
  CapturedFrame frame;
  device_->Lose(GetParam());
  EXPECT_TRUE(frame.Unchanged());
  EXPECT_EQ(frame.session().TryQueue(frame.id()), ENODEV);
  EXPECT_EQ(frame.session().TryTrigger(1), ENODEV);
  EXPECT_EQ(PollEvents(frame.session()) & (POLLERR | POLLHUP), POLLERR | POLLHUP);
  device_->Restore(GetParam());
  EXPECT_EQ(AdapterPath(), node) << "the number is free although somebody has the old session";
  EXPECT_TRUE(frame.Unchanged());
  EXPECT_EQ(frame.session().TryTrigger(1), ENODEV) << "an old session stays with the old device";
  EXPECT_TRUE(CapturedFrame().Unchanged());
}

TEST_P(LossTest, AReaderThatWaitsIsToldAndThenLetGo) {
  Session session(AdapterPath());
  const Buffer buffer = session.Alloc({.bytes = session.Format().bytes});
  Child waiter([&] {
    try {
      for (;;) {
        const auto record = session.Read(std::chrono::seconds(60));
        if (record && record->type == GRABDMA_RECORD_GONE) break;
      }
      static_cast<void>(session.Read(std::chrono::seconds(1)));
      return 1;
    } catch (const Error& error) {
      return error.code() == ENODEV ? 0 : 1;
    }
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  device_->Lose(GetParam());
  EXPECT_EQ(waiter.Wait(), 0);
  device_->Restore(GetParam());
}

TEST_P(LossTest, AtAnyMomentOfACapture) {
  const int rounds = Repetitions(12);
  std::mt19937_64 random(Seed() + static_cast<uint64_t>(GetParam()));
  for (int round = 0; round < rounds; ++round) {
    std::vector<Child> clients;
    for (int count = 0; count < 2; ++count) {
      clients.emplace_back([seed = random()] { return Client(seed).Run(); });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 120));
    device_->Lose(GetParam());
    for (Child& client : clients) EXPECT_EQ(client.Wait(), 0) << "round " << round;
    device_->Restore(GetParam());
  }
  EXPECT_TRUE(CapturedFrame().Unchanged());
}

INSTANTIATE_TEST_SUITE_P(EveryWay, LossTest,
                         testing::Values(Loss::kUnbind, Loss::kInjected, Loss::kRemove,
                                         Loss::kUnplug),
                         [](const auto& way) { return LossName(way.param); });

// False while another session still captures.
bool CapturesAgain() {
  try {
    return CapturedFrame().Unchanged();
  } catch (const Error& error) {
    if (error.code() != EBUSY) throw;
    return false;
  }
}

TEST(KillTest, AtAnyMomentLeavesTheDeviceToTheNext) {
  const int rounds = Repetitions(25);
  std::mt19937_64 random(Seed());
  for (int round = 0; round < rounds; ++round) {
    std::vector<Child> clients;
    for (int count = 0; count < 3; ++count) {
      clients.emplace_back([seed = random()] { return Client(seed).Run(); });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 100));
    for (const Child& client : clients) client.Kill();
    for (Child& client : clients) {
      const int status = client.Wait();
      EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "round " << round;
    }
  }
  // Children of the killed, who inherited their sessions, end a moment later.
  WaitUntil("the device to be free", [] { return CapturesAgain(); });
}

TEST(ModuleTest, StaysWhileAnythingIsOpenOrMapped) {
  {
    CapturedFrame frame;
    EXPECT_NE(RemoveModule(), 0) << "with a session";
    frame.CloseSession();
    EXPECT_NE(RemoveModule(), 0) << "with open files";
    frame.CloseDescriptors();
    EXPECT_NE(RemoveModule(), 0) << "with a mapping";
    EXPECT_TRUE(frame.Unchanged());
  }
  WaitUntil("the module to be unused", [] { return RemoveModule() == 0; });
  InsertModule();
  WaitForAdapter();
  EXPECT_TRUE(CapturedFrame().Unchanged());
}

TEST(ModuleTest, MayBeAskedToGoAtAnyMoment) {
  const int rounds = Repetitions(15);
  std::mt19937_64 random(Seed());
  for (int round = 0; round < rounds; ++round) {
    std::vector<Child> clients;
    for (int count = 0; count < 2; ++count) {
      clients.emplace_back([seed = random()] { return Client(seed).Run(); });
    }
    for (int attempt = 0; attempt < 5; ++attempt) {
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 20));
      if (RemoveModule() == 0) {
        InsertModule();
        WaitForAdapter();
      }
    }
  }
  WaitUntil("the module to be unused", [] { return RemoveModule() == 0; });
  InsertModule();
  WaitForAdapter();
  EXPECT_TRUE(CapturedFrame().Unchanged());
}

}  // namespace
}  // namespace grabfs::vm
