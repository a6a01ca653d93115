// SPDX-License-Identifier: Apache-2.0
//
// The promise of docs/ring.md on a real mount: a frame that is held through the ring is that frame
// until it is let go, for everybody, whatever becomes of its reader; and nobody gets more by it
// than he may have.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "tests/mount/ring_client.h"
#include "tests/mount/support/users.h"

namespace grabfs::mount_test {
namespace {

class RingTest : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (!IsSkipped() && ActiveDataPath() != DataPath::kPassthrough) GTEST_SKIP() << "no ring here";
  }
  [[nodiscard]] std::string States() const { return device().Status().at("buffers").at("states"); }
};

using NoRingTest = MountTest;

TEST_F(NoRingTest, WithoutPassthroughThereIsNone) {
  const bool there = ActiveDataPath() == DataPath::kPassthrough;
  EXPECT_EQ(Exists(device().Path("ring")), there);
  EXPECT_EQ(Exists(device().Path("readers")), there);
}

TEST_F(RingTest, FramesAreFoundAndHeldAndLetGo) {
  RingClient reader(device());
  ASSERT_EQ(reader.attached, 0);
  EXPECT_EQ(reader.HoldNewest(), std::nullopt);
  const uint64_t sequence = device().Capture(3);
  ASSERT_EQ(reader.HoldNewest(), sequence);
  device().Capture(3 * kBuffers);
  EXPECT_TRUE(picture_.IsFrame(reader.pixels(), sequence));
  EXPECT_TRUE(Exists(device().Frame(sequence)));
  reader.Release();
  EXPECT_TRUE(device().IsRecycled(sequence));
}

TEST_F(RingTest, TheRingNamesTheFilesOfTheBuffers) {
  const Mapping ring = MapAndClose(device().Path("ring"));
  const auto* header = reinterpret_cast<const grabfs_ring_header*>(ring.data());
  EXPECT_EQ(header->ring, Stat(device().Path("ring")).st_ino);
  EXPECT_EQ(header->frame_bytes, picture_.bytes());
  ASSERT_EQ(header->slots, kBuffers);
  for (unsigned slot = 0; slot < kBuffers; ++slot) {
    EXPECT_EQ(grabfs_ring_slot_at(header, slot)->inode, Stat(device().Buffer(slot)).st_ino);
  }
}

TEST_F(RingTest, FramesAreThoseOfTheDirectory) {
  RingClient reader(device());
  for (unsigned count = 0; count < 3 * kBuffers; ++count) {
    const uint64_t sequence = device().Capture(1);
    ASSERT_EQ(reader.HoldNewest(), sequence);
    const std::string frame = device().Frame(sequence);
    EXPECT_EQ(std::to_string(reader.frame.timestamp_ns), Xattr(frame, "timestamp_ns"));
    EXPECT_TRUE(picture_.IsFrame(reader.pixels(), sequence));
    reader.Release();
  }
}

TEST_F(RingTest, AKilledReaderHoldsNothing) {
  device().Capture(1);
  Child child([this](const Child::Parent& parent) {
    RingClient reader(device());
    if (!reader.HoldNewest()) return 1;
    parent.Tell();
    parent.Await();
    return 0;
  });
  child.Await();
  const uint64_t held = device().Frames().back();
  device().Capture(3 * kBuffers);
  EXPECT_TRUE(Exists(device().Frame(held)));
  child.Kill();
  EXPECT_TRUE(WaitUntil([&] { return device().IsRecycled(held); }));
}

TEST_F(RingTest, AChildThatInheritsThePageKeepsItsHolds) {
  const uint64_t held = device().Capture(1);
  auto reader = std::make_unique<RingClient>(device());
  ASSERT_EQ(reader->HoldNewest(), held);
  Child child([](const Child::Parent& parent) {
    parent.Await();
    return 0;
  });
  reader.reset();
  device().Capture(3 * kBuffers);
  EXPECT_TRUE(Exists(device().Frame(held)));
  child.Kill();
  EXPECT_TRUE(WaitUntil([&] { return device().IsRecycled(held); }));
}

TEST_F(RingTest, UnlinkedFramesStayForTheirHolders) {
  const uint64_t sequence = device().Capture(2);
  RingClient reader(device());
  RingClient other(device());
  ASSERT_EQ(reader.HoldNewest(), sequence);
  ASSERT_EQ(ErrorOf(::unlink(device().Frame(sequence).c_str())), 0);
  EXPECT_EQ(other.HoldNewest(), sequence - 1);
  other.Release();
  device().Capture(3 * kBuffers);
  EXPECT_TRUE(picture_.IsFrame(reader.pixels(), sequence));
}

TEST_F(RingTest, AnotherNumberOfBuffersIsAnotherRing) {
  const uint64_t sequence = device().Capture(1);
  RingClient reader(device());
  ASSERT_EQ(reader.HoldNewest(), sequence);
  const ino_t before = Stat(device().Path("ring")).st_ino;
  device().Set("buffers_count", "6");
  EXPECT_EQ(grabfs_ring_hold_newest(&reader.ring, 1, &reader.frame), -ESTALE);
  EXPECT_NE(Stat(device().Path("ring")).st_ino, before);
  EXPECT_TRUE(picture_.IsFrame(reader.pixels(), sequence));
  RingClient next(device());
  ASSERT_EQ(next.attached, 0);
  EXPECT_EQ(next.HoldNewest(), std::nullopt);
  const uint64_t newer = device().Capture(1);
  EXPECT_EQ(next.HoldNewest(), newer);
}

TEST_F(RingTest, KeepOldestWaitsForNobodyButThoseWhoHold) {
  device().Set("policy", "keep-oldest");
  device().Capture(kBuffers);
  RingClient reader(device());
  ASSERT_EQ(grabfs_ring_hold_next(&reader.ring, 0, 0, &reader.frame), 0);
  ASSERT_EQ(ErrorOf(::unlink(device().Frame(reader.frame.sequence).c_str())), 0);
  device().Capture(1);
  EXPECT_EQ(device().Frames().size(), kBuffers - 1);
  reader.Release();
  const uint64_t sequence = device().Capture(1);
  EXPECT_EQ(device().Frames().back(), sequence);
}

TEST_F(RingTest, ThePromiseBindsRootToo) {
  EXPECT_EQ(OpenError(device().Path("ring"), O_RDWR), EACCES);
  const UniqueFd page = OpenPage(device());
  EXPECT_EQ(ErrorOf(::ftruncate(page.get(), 0)), EPERM);
  EXPECT_EQ(ErrorOf(::ftruncate(page.get(), 1 << 20)), EPERM);
  EXPECT_NE(ErrorOf(::fallocate(page.get(), 0, 0, 1 << 20)), 0);
  EXPECT_NE(ErrorOf(::fallocate(page.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096)),
            0);
  EXPECT_EQ(ErrorOf(::pwrite(page.get(), "x", 1, 80)), EPERM);
  EXPECT_EQ(ErrorOf(::pwrite(page.get(), "x", 1, 1 << 20)), EPERM);
  const std::string self = "/proc/self/fd/" + std::to_string(page.get());
  EXPECT_NE(ErrorOf(::linkat(AT_FDCWD, self.c_str(), AT_FDCWD,
                             device().Path("readers/mine").c_str(), AT_SYMLINK_FOLLOW)),
            0);
  const Mapping mapping(page.get(), sizeof(grabfs_hold_page), PROT_READ | PROT_WRITE);
  EXPECT_EQ(ErrorOf(::madvise(mapping.data(), 4096, MADV_REMOVE)), EOPNOTSUPP);
  EXPECT_TRUE(List(device().Path("readers")).empty());
}

TEST_F(RingTest, WordsCountInTheHoldLimit) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become other users";
  Start({{kDevice}, {"allow_other"}});
  device().Capture(kBuffers);
  const int status = RunAs(kStranger, [this] {
    std::vector<UniqueFd> pages;
    for (;;) {
      const int fd = ::open(device().Path("readers").c_str(), O_TMPFILE | O_RDWR, 0600);
      if (fd < 0) break;
      pages.emplace_back(fd);
    }
    if (errno != EDQUOT || pages.size() > kBuffers / 2) return 1;
    return OpenError(device().latest(), O_RDONLY) == EDQUOT ? 0 : 2;
  });
  EXPECT_EQ(status, 0);
}

TEST_F(RingTest, OneUserLeavesPagesToOthers) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become other users";
  Start(
      {{"sim0=pattern,format=GREY,width=64,height=64,buffers=128,state=stopped"}, {"allow_other"}});
  const auto make_pages = [this] {
    std::vector<UniqueFd> pages;
    for (;;) {
      const int fd = ::open(device().Path("readers").c_str(), O_TMPFILE | O_RDWR, 0600);
      if (fd < 0) return pages;
      pages.emplace_back(fd);
    }
  };
  const Child stranger([&](const Child::Parent& parent) {
    Become(kStranger);
    const auto pages = make_pages();
    if (errno != EDQUOT) return 1;
    parent.Tell();
    for (;;) ::pause();
  });
  stranger.Await();
  const int status = RunAs(kColleague, [&] { return make_pages().size() > 1 ? 0 : 1; });
  EXPECT_EQ(status, 0);
}

TEST_F(RingTest, AWaitingReaderIsWoken) {
  RingClient reader(device());
  const auto seen = grabfs_ring_look(&reader.ring);
  Child child([this](const Child::Parent& parent) {
    parent.Await();
    return device().Capture(1) == 0 ? 1 : 0;
  });
  child.Tell();
  EXPECT_EQ(grabfs_ring_wait(&reader.ring, seen, 30'000'000'000), 0);
}

// A filter kills whoever makes a system call.
int ForbidSystemCalls() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  const sock_fprog program{.len = 4, .filter = filter};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  return ErrorOf(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

TEST_F(RingTest, TwoFramesInARowWithoutASystemCall) {
  device().Set("rate", "200");
  device().Set("state", "start");
  Child child([this](const Child::Parent& /*parent*/) -> int {
    RingClient reader(device());
    if (reader.attached != 0 || ForbidSystemCalls() != 0) _exit(1);
    uint64_t wrong = 0;
    std::optional<uint64_t> last;
    for (int frames = 0; frames < 2;) {
      const auto sequence = reader.HoldNewest();
      if (sequence && sequence != last) {
        last = sequence;
        wrong += Picture::Stamp(reader.pixels()) != *sequence;
        ++frames;
      }
      reader.Release();
    }
    _exit(wrong == 0 ? 0 : 2);
  });
  EXPECT_EQ(child.Wait(), 0);
}

TEST_F(RingTest, AReaderOfADaemonThatWasKilledComesBack) {
  const uint64_t sequence = device().Capture(1);
  RingClient reader(device());
  ASSERT_EQ(reader.HoldNewest(), sequence);
  const auto seen = grabfs_ring_look(&reader.ring);
  mount().daemon().Signal(SIGKILL);
  EXPECT_EQ(grabfs_ring_wait(&reader.ring, seen, 1'000'000'000), -ETIMEDOUT);
  EXPECT_TRUE(picture_.IsFrame(reader.pixels(), sequence));
  struct stat ignored = {};
  EXPECT_TRUE(WaitUntil([&] { return ::stat(device().Path("ring").c_str(), &ignored) != 0; }));
  mount().Abandon();
}

TEST_F(RingTest, SIGTERMTellsReaders) {
  device().Capture(1);
  RingClient reader(device());
  const auto seen = grabfs_ring_look(&reader.ring);
  mount().daemon().Signal(SIGTERM);
  EXPECT_EQ(grabfs_ring_wait(&reader.ring, seen, 30'000'000'000), 0);
  EXPECT_EQ(grabfs_ring_look(&reader.ring).state, GRABFS_STATE_GONE);
  mount().Abandon();
}

}  // namespace
}  // namespace grabfs::mount_test
