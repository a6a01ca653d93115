// SPDX-License-Identifier: Apache-2.0
//
// Every allocation that the module makes fails once, one after the other. Each failure must be
// reported (or bridged by a fallback), leave everything as it was, and leak nothing.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cerrno>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "tests/vm/guest/device.h"
#include "tests/vm/guest/environment.h"
#include "tests/vm/guest/pagemap.h"
#include "tests/vm/guest/session.h"

namespace grabfs::vm {
namespace {

constexpr uint64_t kMegabyte = 1 << 20;
constexpr uint64_t kMostPoints = 100000;

struct Kind {
  const char* name;
  AllocRequest request;
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

// Pages that are unevictable or file-backed, i.e. all that buffers consist of.
int64_t BufferPagesInKernel() {
  std::istringstream statistics(ReadText("/proc/vmstat"));
  std::string name;
  int64_t pages = 0;
  int64_t value = 0;
  while (statistics >> name >> value) {
    if (name == "nr_file_pages") pages = value;
  }
  return pages;
}

// What an injected failure stands for: no memory, no descriptor, no access to the caller's memory.
bool IsInjected(int error) { return error == ENOMEM || error == EMFILE || error == EFAULT; }

class AllocFailureTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    const auto info = session_.Info();
    if ((info.directions & GetParam().request.direction) == 0) {
      GTEST_SKIP() << AdapterName() << " does not have this direction";
    }
    if ((info.capabilities & GRABDMA_CAP_INJECT) == 0) {
      GTEST_SKIP() << AdapterName() << " does not inject faults";
    }
  }

  // Calls `operation` with its 1st, 2nd, ... allocation failing until it needs no more than it
  // could make. Returns how many points there were.
  uint64_t Sweep(const std::function<int()>& operation) {
    for (uint64_t point = 1; point < kMostPoints; ++point) {
      session_.Inject(GRABDMA_FAULT_ALLOC_FAIL, point);
      const int error = operation();
      const bool failed_here = session_.Inject(GRABDMA_FAULT_ALLOC_FAIL, 0) == 0;
      if (!failed_here) {
        EXPECT_EQ(error, 0) << "failed without an injected reason";
        return point - 1;
      }
      EXPECT_TRUE(error == 0 || IsInjected(error)) << "point " << point << ": errno " << error;
      if (HasFailure()) break;
    }
    ADD_FAILURE() << "the operation never succeeded";
    return 0;
  }

  Session session_{AdapterPath()};
};

TEST_P(AllocFailureTest, AllocReportsEachAndLeaksNothing) {
  const auto allocate_and_free = [this] {
    Buffer buffer;
    const int error = session_.TryAlloc(GetParam().request, &buffer);
    if (error == 0) {
      EXPECT_EQ(session_.TryFree(buffer.id), 0);
    }
    return error;
  };
  ASSERT_EQ(allocate_and_free(), 0);
  const int64_t before = BufferPagesInKernel();
  const uint64_t points = Sweep(allocate_and_free);
  EXPECT_GT(points, 0U) << "no allocation was ever made to fail";
  std::printf("%s: %llu points\n", GetParam().name, static_cast<unsigned long long>(points));
  // Counters of each processor may be behind by a few pages; a leaked buffer is hundreds.
  EXPECT_NEAR(static_cast<double>(BufferPagesInKernel()), static_cast<double>(before), 200);
}

TEST_P(AllocFailureTest, AFailedAllocLeavesOtherBuffersAlone) {
  Buffer buffer = session_.Alloc(GetParam().request);
  Mapping mapping(buffer.live.get(), buffer.bytes, PROT_READ | PROT_WRITE, MAP_SHARED);
  mapping.bytes().front() = std::byte{0x5a};
  session_.Inject(GRABDMA_FAULT_ALLOC_FAIL, 1);
  Buffer refused;
  EXPECT_TRUE(IsInjected(session_.TryAlloc(GetParam().request, &refused)));
  EXPECT_EQ(mapping.bytes().front(), std::byte{0x5a});
  EXPECT_EQ(session_.TryAlloc(GetParam().request, &refused), 0);
}

TEST_P(AllocFailureTest, CaptureAndOutputSurviveEach) {
  const auto use = [this] {
    Buffer buffer;
    const int error = session_.TryAlloc(GetParam().request, &buffer);
    if (error != 0) return error;
    Mapping mapping(buffer.live.get(), buffer.bytes, PROT_READ | PROT_WRITE, MAP_SHARED);
    mapping.bytes().back() = std::byte{1};
    int result = 0;
    if (GetParam().request.direction == GRABDMA_DIRECTION_OUTPUT) {
      result = fsync(buffer.live.get()) == 0 ? 0 : errno;
    } else {
      // The record of a frame needs no memory any more: if it was queued, it comes.
      result = session_.TryQueue(buffer.id);
      if (result == 0) result = session_.TryTrigger(1);
      if (result == 0) {
        EXPECT_EQ(session_.ReadFrame(std::chrono::seconds(10)).buffer, buffer.id);
      }
    }
    EXPECT_EQ(session_.TryFree(buffer.id), 0);
    return result;
  };
  const auto info = session_.Info();
  if (std::string(info.adapter) == "virtual") {
    session_.SetFormat(session_.Format().fourcc, 64, 48);
  }
  Sweep(use);
}

const Kind kKinds[] = {
    {"Pages", {.bytes = kMegabyte, .strategy = GRABDMA_ALLOC_PAGES}},
    {"Large", {.bytes = 3 * kMegabyte, .strategy = GRABDMA_ALLOC_LARGE}},
    {"Contiguous", {.bytes = kMegabyte, .strategy = GRABDMA_ALLOC_CONTIGUOUS}},
    {"Output",
     {.bytes = kMegabyte / 4,
      .strategy = GRABDMA_ALLOC_PAGES,
      .direction = GRABDMA_DIRECTION_OUTPUT}},
    {"OutputDeferred",
     {.bytes = kMegabyte / 4,
      .strategy = GRABDMA_ALLOC_PAGES,
      .direction = GRABDMA_DIRECTION_OUTPUT,
      .writeback_ms = 20}},
};

std::string KindName(const testing::TestParamInfo<Kind>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(EveryKind, AllocFailureTest, testing::ValuesIn(kKinds), KindName);

}  // namespace
}  // namespace grabfs::vm
