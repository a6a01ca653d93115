// SPDX-License-Identifier: Apache-2.0
//
// Every allocation of the kernel fails once, one after the other, in the life of a session and its
// buffer: not only those that the module knows of (GRABDMA_FAULT_ALLOC_FAIL), but also those that
// are made for it, of inodes, descriptors, page tables and tree nodes. Each must end in an error,
// or in success by another way, and in nothing else; kmemleak looks at the rest afterwards.
//
// Needs a kernel with fault injection. See Documentation/fault-injection/fault-injection.rst,
// fail-nth.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"
#include "kmod/uapi/grabdma.h"
#include "tests/vm/guest/device.h"
#include "tests/vm/guest/environment.h"

namespace grabfs::vm {
namespace {

constexpr unsigned kMostPoints = 20000;

// While it lives, one of this thread's allocations in the kernel fails.
class FailingAllocation {
 public:
  explicit FailingAllocation(unsigned nth)
      : file_(CheckSyscall(open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC), "fail-nth")) {
    Write(std::to_string(nth));
  }
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;
  ~FailingAllocation() { Write("0"); }

  // Has it failed, or were there fewer?
  [[nodiscard]] bool HasFailed() const {
    char left[16] = {};
    CheckSyscall(pread(file_.get(), left, sizeof(left) - 1, 0), "read fail-nth");
    return std::atoi(left) == 0;
  }

 private:
  void Write(const std::string& value) const {
    CheckSyscall(pwrite(file_.get(), value.data(), value.size(), 0), "write fail-nth");
  }

  UniqueFd file_;
};

// What a program does with a device, by bare system calls: a library might allocate, too.
class Life {
 public:
  Life(const std::string& path, uint32_t strategy, uint32_t direction)
      : path_(path), strategy_(strategy), direction_(direction) {}

  // errno of the first call that failed, or 0.
  [[nodiscard]] int Live() const {
    const int session = open(path_.c_str(), O_RDWR | O_CLOEXEC);
    if (session < 0) return errno;
    const int error = WithSession(session);
    close(session);
    return error;
  }

 private:
  template <typename Argument>
  static int Call(int session, unsigned long command, Argument* argument) {
    argument->size = sizeof(*argument);
    return ioctl(session, command, argument) == 0 ? 0 : errno;
  }

  int WithSession(int session) const {
    grabdma_format format = {};
    grabdma_alloc alloc = {};
    if (const int error = Call(session, GRABDMA_GET_FORMAT, &format); error != 0) return error;
    alloc.flags = strategy_;
    alloc.direction = direction_;
    alloc.bytes = format.bytes;
    if (const int error = Call(session, GRABDMA_ALLOC, &alloc); error != 0) return error;
    int error = Use(session, alloc);
    grabdma_free free = {};
    free.buffer = alloc.buffer;
    if (const int freed = Call(session, GRABDMA_FREE, &free); error == 0) error = freed;
    close(alloc.live_fd);
    if (alloc.frame_fd >= 0) close(alloc.frame_fd);
    return error;
  }

  int Use(int session, const grabdma_alloc& alloc) const {
    auto* const memory = static_cast<char*>(
        mmap(nullptr, alloc.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, alloc.live_fd, 0));
    if (memory == MAP_FAILED) return errno;
    memory[0] = 1;
    const int error = direction_ == GRABDMA_DIRECTION_CAPTURE ? Capture(session, alloc.buffer)
                      : fsync(alloc.live_fd) != 0             ? errno
                                                              : 0;
    munmap(memory, alloc.bytes);
    return error;
  }

  static int Capture(int session, uint32_t buffer) {
    grabdma_queue queue = {};
    grabdma_trigger trigger = {};
    grabdma_record record = {};
    queue.buffer = buffer;
    trigger.frames = 1;
    if (const int error = Call(session, GRABDMA_QUEUE, &queue); error != 0) return error;
    if (const int error = Call(session, GRABDMA_TRIGGER, &trigger); error != 0) return error;
    if (read(session, &record, sizeof(record)) != sizeof(record)) return errno;
    return record.type == GRABDMA_RECORD_FRAME ? 0 : EIO;
  }

  const std::string path_;
  const uint32_t strategy_;
  const uint32_t direction_;
};

struct Kind {
  const char* name;
  uint32_t strategy;
  uint32_t direction;
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

class FailNthTest : public testing::TestWithParam<Kind> {
 protected:
  // Allocations that may wait fail too, and nothing is said about each.
  static void SetUpTestSuite() {
    for (const char* const what : {"failslab", "fail_page_alloc"}) {
      const std::string directory = std::string("/sys/kernel/debug/") + what;
      WriteText(directory + "/ignore-gfp-wait", "N");
      WriteText(directory + "/verbose", "0");
    }
    WriteText("/sys/kernel/debug/fail_page_alloc/min-order", "0");
  }
};

TEST_P(FailNthTest, EachFailureIsAnErrorOrBridged) {
  const Life life(AdapterPath(), GetParam().strategy, GetParam().direction);
  ASSERT_EQ(life.Live(), 0);
  unsigned errors = 0;
  for (unsigned nth = 1; nth < kMostPoints; ++nth) {
    const FailingAllocation failing(nth);
    const int error = life.Live();
    if (!failing.HasFailed()) {
      EXPECT_EQ(error, 0) << "failed without an injected reason";
      std::printf("%s: %u points, %u of them errors\n", GetParam().name, nth - 1, errors);
      EXPECT_GT(errors, 0U);
      return;
    }
    ASSERT_TRUE(error == 0 || error == ENOMEM) << "point " << nth << ": errno " << error;
    errors += error != 0;
  }
  FAIL() << "the sweep did not end";
}

const Kind kKinds[] = {
    {"Pages", GRABDMA_ALLOC_PAGES, GRABDMA_DIRECTION_CAPTURE},
    {"Large", GRABDMA_ALLOC_LARGE, GRABDMA_DIRECTION_CAPTURE},
    {"Contiguous", GRABDMA_ALLOC_CONTIGUOUS, GRABDMA_DIRECTION_CAPTURE},
    {"Output", GRABDMA_ALLOC_PAGES, GRABDMA_DIRECTION_OUTPUT},
};

std::string KindName(const testing::TestParamInfo<Kind>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(EveryKind, FailNthTest, testing::ValuesIn(kKinds), KindName);

}  // namespace
}  // namespace grabfs::vm
