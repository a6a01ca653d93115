// SPDX-License-Identifier: Apache-2.0
//
// Nobody makes others wait: somebody stops in the middle of a call, for good, and the calls of
// others, capture and the daemon's end go on as if he were not there.
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

#include "fusefs/base/error.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

constexpr size_t kPages = 65536;

// Memory whose pages never come: somebody is to deliver them, and does not.
class Absent {
 public:
  Absent()
      : faults_(
            CheckSyscall(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC)), "userfaultfd")) {
    uffdio_api api = {};
    api.api = UFFD_API;
    CheckSyscall(::ioctl(faults_.get(), UFFDIO_API, &api), "UFFDIO_API");
    memory_ = ::mmap(nullptr, kPages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uffdio_register range = {};
    range.range = {reinterpret_cast<uintptr_t>(memory_), kPages};
    range.mode = UFFDIO_REGISTER_MODE_MISSING;
    CheckSyscall(::ioctl(faults_.get(), UFFDIO_REGISTER, &range), "UFFDIO_REGISTER");
  }
  Absent(const Absent&) = delete;
  Absent& operator=(const Absent&) = delete;

  [[nodiscard]] void* memory() const { return memory_; }
  // Until somebody waits for a page.
  void AwaitFault() const {
    uffd_msg fault = {};
    CheckSyscall(::read(faults_.get(), &fault, sizeof(fault)), "userfaultfd");
  }

 private:
  UniqueFd faults_;
  void* memory_ = nullptr;
};

// A child that is stuck in `call`, which gets memory whose pages never come. Until it is killed.
Child StuckIn(const std::function<void(void* memory)>& call) {
  return Child([&](const Child::Parent& parent) {
    const Absent absent;
    std::thread([&] { call(absent.memory()); }).detach();
    absent.AwaitFault();
    parent.Tell();
    for (;;) ::pause();
    return 0;
  });
}

class WaitingTest : public MountTest {
 protected:
  // Names that the kernel knows come and go, and buffers with them; all of it is seen.
  void ExpectCaptureGoesOn() const {
    const uint64_t first = device().Capture(1);
    EXPECT_TRUE(Exists(device().Frame(first)));
    for (unsigned i = 0; i < 3 * kBuffers; ++i) {
      const uint64_t sequence = device().Capture(1);
      EXPECT_TRUE(picture_.IsFrame(ReadFile(device().Frame(sequence)), sequence));
      EXPECT_EQ(Stat(device().Buffer(0)).st_size, static_cast<off_t>(picture_.bytes()));
    }
    EXPECT_EQ(OpenError(device().Frame(first), O_RDONLY), ENOENT);
    EXPECT_FALSE(device().Frames().empty());
  }
  // A reader that waits for an event can be interrupted.
  void ExpectInterruptible() const {
    Child reader([&](const Child::Parent& parent) {
      struct sigaction nothing = {};
      nothing.sa_handler = [](int) {};
      ::sigaction(SIGALRM, &nothing, nullptr);
      const UniqueFd fd = Open(device().Path("events"), O_RDONLY);
      char byte = 0;
      parent.Tell();
      for (;;) {
        ::ualarm(1000, 0);
        if (::read(fd.get(), &byte, 1) < 0) return errno;
      }
    });
    EXPECT_EQ(reader.Wait(), EINTR);
  }
};

TEST_F(WaitingTest, WhoListsFramesIntoMemoryThatDoesNotComeKeepsNobodyWaiting) {
  for (const char* const directory : {"frames", "buffers", "."}) {
    device().Capture(kBuffers);
    const Child stuck = StuckIn([&](void* memory) {
      const UniqueFd fd = Open(device().Path(directory), O_RDONLY | O_DIRECTORY);
      (void)::syscall(SYS_getdents64, fd.get(), memory, kPages);
    });
    stuck.Await();
    ExpectCaptureGoesOn();
    ExpectInterruptible();
    device().Set("width", "64");
    EXPECT_EQ(ReadFile(device().Buffer(0)).size(), 64U * kHeight);
    device().Set("width", std::to_string(kWidth));
    mount().Unmount();
    Start({{kDevice}, {}});
  }
}

TEST_F(WaitingTest, WhoWritesMemoryThatDoesNotComeKeepsNobodyElseWaiting) {
  for (const char* const file : {"into", "trigger", "buffers/000.raw"}) {
    const Child stuck = StuckIn([&](void* memory) {
      const UniqueFd fd = Open(device().Path(file), O_WRONLY);
      (void)!::write(fd.get(), memory, 1);
    });
    stuck.Await();
    ExpectInterruptible();
    EXPECT_EQ(device().Get("trigger"), "0");
    device().Set("state", "start");
    EXPECT_TRUE(WaitUntil([&] { return device().NextSequence() > 3 * kBuffers; }));
    mount().Unmount();
    Start({{kDevice}, {}});
  }
}

}  // namespace
}  // namespace grabfs::mount_test
