// SPDX-License-Identifier: Apache-2.0
//
// What the interface refuses, ioctl by ioctl: wrong sizes, unknown flags, reserved fields, bad
// pointers, unknown commands, and a storm of random bytes. The errors are those that the table
// at the top of kmod/uapi/grabdma.h promises.
#include <gtest/gtest.h>
#include <linux/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <random>
#include <vector>

#include "tests/vm/guest/environment.h"
#include "tests/vm/guest/session.h"

namespace grabfs::vm {
namespace {

constexpr size_t kNone = SIZE_MAX;

// One ioctl of the interface, and where its fields lie that have rules.
struct Command {
  const char* name;
  unsigned long code;
  uint32_t size;
  size_t flags_offset;
  uint32_t known_flags;
  std::vector<size_t> reserved_offsets;  // of 32-bit words that must be zero
};

void PrintTo(const Command& command, std::ostream* out) { *out << command.name; }

const std::vector<Command>& Commands() {
  static const std::vector<Command> commands = {
      {"INFO", GRABDMA_INFO, sizeof(grabdma_info), offsetof(grabdma_info, flags), 0, {}},
      {"ENUM_FORMAT",
       GRABDMA_ENUM_FORMAT,
       sizeof(grabdma_format_range),
       kNone,
       0,
       {offsetof(grabdma_format_range, reserved), offsetof(grabdma_format_range, reserved2)}},
      {"GET_FORMAT",
       GRABDMA_GET_FORMAT,
       sizeof(grabdma_format),
       offsetof(grabdma_format, flags),
       0,
       {}},
      {"SET_FORMAT",
       GRABDMA_SET_FORMAT,
       sizeof(grabdma_format),
       offsetof(grabdma_format, flags),
       0,
       {}},
      {"ALLOC",
       GRABDMA_ALLOC,
       sizeof(grabdma_alloc),
       offsetof(grabdma_alloc, flags),
       GRABDMA_ALLOC_PAGES | GRABDMA_ALLOC_LARGE | GRABDMA_ALLOC_CONTIGUOUS,
       {offsetof(grabdma_alloc, reserved), offsetof(grabdma_alloc, reserved) + 4}},
      {"FREE",
       GRABDMA_FREE,
       sizeof(grabdma_free),
       offsetof(grabdma_free, flags),
       0,
       {offsetof(grabdma_free, reserved)}},
      {"QUEUE",
       GRABDMA_QUEUE,
       sizeof(grabdma_queue),
       offsetof(grabdma_queue, flags),
       0,
       {offsetof(grabdma_queue, reserved)}},
      {"START", GRABDMA_START, sizeof(grabdma_start), offsetof(grabdma_start, flags), 0, {}},
      {"STOP",
       GRABDMA_STOP,
       sizeof(grabdma_stop),
       offsetof(grabdma_stop, flags),
       GRABDMA_STOP_DEQUEUE,
       {}},
      {"TRIGGER",
       GRABDMA_TRIGGER,
       sizeof(grabdma_trigger),
       offsetof(grabdma_trigger, flags),
       0,
       {}},
      {"BUFFER_STATE",
       GRABDMA_BUFFER_STATE,
       sizeof(grabdma_buffer_state),
       offsetof(grabdma_buffer_state, flags),
       GRABDMA_BUFFER_STATE_WATCH,
       {offsetof(grabdma_buffer_state, reserved)}},
      {"INJECT",
       GRABDMA_INJECT,
       sizeof(grabdma_inject),
       offsetof(grabdma_inject, flags),
       0,
       {offsetof(grabdma_inject, reserved)}},
  };
  return commands;
}

// An argument with room beyond the struct, so that too large sizes read our own zeros.
class Argument {
 public:
  explicit Argument(const Command& command) { Put(0, command.size); }

  void Put(size_t offset, uint32_t value) { std::memcpy(&words_[offset / 4], &value, 4); }
  [[nodiscard]] uint32_t Get(size_t offset) const { return words_[offset / 4]; }
  void* data() { return words_.data(); }
  static constexpr size_t kBytes = 256;

 private:
  std::array<uint32_t, kBytes / 4> words_ = {};
};

// A request that the command takes seriously, so that only the defect under test is wrong with it.
Argument Plausible(const Command& command) {
  Argument argument(command);
  if (command.code == GRABDMA_ALLOC) {
    argument.Put(offsetof(grabdma_alloc, flags), GRABDMA_ALLOC_PAGES);
    argument.Put(offsetof(grabdma_alloc, bytes), 4096);
    argument.Put(offsetof(grabdma_alloc, direction), GRABDMA_DIRECTION_CAPTURE);
  }
  if (command.code == GRABDMA_TRIGGER) argument.Put(offsetof(grabdma_trigger, frames), 1);
  if (command.code == GRABDMA_INJECT) {
    argument.Put(offsetof(grabdma_inject, fault), GRABDMA_FAULT_ALLOC_FAIL);
  }
  return argument;
}

class AbiTest : public testing::TestWithParam<Command> {
 protected:
  int Try(Argument argument) { return session_.Try(GetParam().code, argument.data()); }

  Session session_{AdapterPath()};
};

// Of the struct that the first programs were compiled with.
uint32_t FirstSize(const Command& command) {
  return command.code == GRABDMA_INFO ? offsetof(grabdma_info, depth) : command.size;
}

TEST(OldCallerTest, GetsWhatItKnowsAndNothingBeyond) {
  Session session(AdapterPath());
  grabdma_info info = {};
  info.size = offsetof(grabdma_info, depth);
  info.depth = 0xDEAD;
  ASSERT_EQ(session.Try(GRABDMA_INFO, &info), 0);
  EXPECT_EQ(info.adapter, AdapterName());
  EXPECT_EQ(info.depth, 0xDEADU);
  EXPECT_GE(session.Info().depth, 1U);
}

TEST_P(AbiTest, RefusesASizeThatIsTooSmall) {
  for (const uint32_t size : {0u, 1u, 4u, FirstSize(GetParam()) - 1}) {
    Argument argument = Plausible(GetParam());
    argument.Put(0, size);
    EXPECT_EQ(Try(argument), EINVAL) << "size " << size;
  }
}

TEST_P(AbiTest, TakesALargerStructOnlyWhenTheUnknownPartIsZero) {
  Argument argument = Plausible(GetParam());
  argument.Put(0, GetParam().size + 8);
  EXPECT_NE(Try(argument), E2BIG);
  argument.Put(GetParam().size + 4, 1);
  EXPECT_EQ(Try(argument), E2BIG);
}

TEST_P(AbiTest, RefusesEveryUnknownFlag) {
  if (GetParam().flags_offset == kNone) return;
  for (uint32_t bit = 0; bit < 32; ++bit) {
    const uint32_t flag = uint32_t{1} << bit;
    if ((GetParam().known_flags & flag) != 0) continue;
    Argument argument = Plausible(GetParam());
    argument.Put(GetParam().flags_offset, argument.Get(GetParam().flags_offset) | flag);
    EXPECT_EQ(Try(argument), EINVAL) << "bit " << bit;
  }
}

TEST_P(AbiTest, RefusesReservedFieldsThatAreNotZero) {
  for (const size_t offset : GetParam().reserved_offsets) {
    Argument argument = Plausible(GetParam());
    argument.Put(offset, 0x80000000);
    EXPECT_EQ(Try(argument), EINVAL) << "offset " << offset;
  }
}

TEST_P(AbiTest, RefusesPointersThatLeadNowhere) {
  EXPECT_EQ(session_.Try(GetParam().code, nullptr), EFAULT);
  EXPECT_EQ(session_.Try(GetParam().code, reinterpret_cast<void*>(-4096L)), EFAULT);

  // The size can be read, the rest of the struct lies beyond the end of the mapping.
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  auto* const two = static_cast<char*>(
      mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(two, MAP_FAILED);
  ASSERT_EQ(mprotect(two + page, page, PROT_NONE), 0);
  std::memcpy(two + page - 4, &GetParam().size, 4);
  EXPECT_EQ(session_.Try(GetParam().code, two + page - 4), EFAULT);
  munmap(two, 2 * page);
}

std::string CommandName(const testing::TestParamInfo<Command>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(EveryCommand, AbiTest, testing::ValuesIn(Commands()), CommandName);

TEST(AbiUnknownTest, CommandsBeyondTheTableAreRefused) {
  Session session(AdapterPath());
  Argument argument(Commands().front());
  for (unsigned number = static_cast<unsigned>(Commands().size()); number < 256; ++number) {
    EXPECT_EQ(session.Try(_IO(GRABDMA_IOCTL_TYPE, number), argument.data()), ENOTTY) << number;
  }
  EXPECT_EQ(session.Try(_IO('x', 0), argument.data()), ENOTTY);
  EXPECT_EQ(session.Try(_IOWR(GRABDMA_IOCTL_TYPE, 0, grabdma_info), argument.data()), ENOTTY);
}

class AbiValueTest : public testing::Test {
 protected:
  int TryAlloc(AllocRequest request) {
    Buffer buffer;
    return session_.TryAlloc(request, &buffer);
  }

  Session session_{AdapterPath()};
};

TEST_F(AbiValueTest, AllocInsistsOnOneStrategyAndOneDirection) {
  EXPECT_EQ(TryAlloc({.bytes = 4096, .strategy = 0}), EINVAL);
  EXPECT_EQ(TryAlloc({.bytes = 4096, .strategy = GRABDMA_ALLOC_PAGES | GRABDMA_ALLOC_LARGE}),
            EINVAL);
  EXPECT_EQ(TryAlloc({.bytes = 4096, .direction = 0}), EINVAL);
  EXPECT_EQ(
      TryAlloc({.bytes = 4096, .direction = GRABDMA_DIRECTION_CAPTURE | GRABDMA_DIRECTION_OUTPUT}),
      EINVAL);
  EXPECT_EQ(TryAlloc({.bytes = 4096, .direction = 1u << 31}), EINVAL);
}

TEST_F(AbiValueTest, AllocInsistsOnAPossibleSize) {
  const uint64_t max_bytes = session_.Info().max_bytes;
  EXPECT_EQ(TryAlloc({.bytes = 0}), EINVAL);
  EXPECT_EQ(TryAlloc({.bytes = max_bytes + 1}), EFBIG);
  EXPECT_EQ(TryAlloc({.bytes = UINT64_MAX}), EFBIG);
}

TEST_F(AbiValueTest, WritebackIsForOutputAndHasLimits) {
  EXPECT_EQ(TryAlloc({.bytes = 4096, .writeback_ms = 10}), EINVAL);
  EXPECT_EQ(TryAlloc({.bytes = 4096, .direction = GRABDMA_DIRECTION_OUTPUT, .writeback_ms = 60001}),
            EINVAL);
}

TEST_F(AbiValueTest, OutputIsInSinglePagesAndIsNotCaptured) {
  EXPECT_EQ(
      TryAlloc(
          {.bytes = 4096, .strategy = GRABDMA_ALLOC_LARGE, .direction = GRABDMA_DIRECTION_OUTPUT}),
      EINVAL);
  const Buffer buffer =
      session_.Alloc({.bytes = 4096, .direction = GRABDMA_DIRECTION_OUTPUT, .writeback_ms = 60000});
  EXPECT_FALSE(buffer.frame.valid());
  EXPECT_EQ(session_.TryQueue(buffer.id), EOPNOTSUPP);
}

TEST_F(AbiValueTest, ABufferSmallerThanTheImageIsNotQueued) {
  const Buffer buffer = session_.Alloc({.bytes = session_.Format().bytes - 1});
  EXPECT_EQ(session_.TryQueue(buffer.id), ENOSPC);
}

TEST_F(AbiValueTest, WithoutAFreeDescriptorNothingIsAllocated) {
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit saved = limit;
  limit.rlim_cur = static_cast<rlim_t>(dup(session_.fd()));  // The first number that is free.
  ASSERT_EQ(close(static_cast<int>(limit.rlim_cur)), 0);
  for (int free = 0; free < 2; ++free) {
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(TryAlloc({.bytes = 4096}), EMFILE) << free << " descriptors free";
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &saved), 0);
    ++limit.rlim_cur;
  }
  EXPECT_EQ(session_.Alloc({.bytes = 4096}).id, 0U) << "the number was given back";
}

TEST_F(AbiValueTest, FaultsThatCannotBeAreRefused) {
  EXPECT_EQ(session_.TryInject(static_cast<grabdma_fault>(0), 0), EINVAL);
  EXPECT_EQ(session_.TryInject(static_cast<grabdma_fault>(8), 0), EINVAL);
  EXPECT_EQ(session_.TryInject(GRABDMA_FAULT_UNPLUG, 1), EINVAL);
  EXPECT_EQ(session_.TryInject(GRABDMA_FAULT_ALLOC_FAIL, UINT64_MAX), EINVAL);
}

TEST_F(AbiValueTest, UnknownBuffersAreRefused) {
  for (const uint32_t buffer : {0u, 1u, 4096u, UINT32_MAX}) {
    EXPECT_EQ(session_.TryFree(buffer), ENOENT) << buffer;
    EXPECT_EQ(session_.TryQueue(buffer), ENOENT) << buffer;
    EXPECT_ANY_THROW(static_cast<void>(session_.State(buffer))) << buffer;
  }
}

TEST_F(AbiValueTest, BuffersOfAnotherSessionAreUnknown) {
  Session other(AdapterPath());
  const Buffer buffer = other.Alloc({.bytes = 4096});
  EXPECT_EQ(session_.TryFree(buffer.id), ENOENT);
  EXPECT_EQ(session_.TryQueue(buffer.id), ENOENT);
}

TEST_F(AbiValueTest, IntervalsThatCannotBeAreRefused) {
  EXPECT_EQ(session_.TryStart(0, 1, 0), EINVAL);
  EXPECT_EQ(session_.TryStart(1, 0, 0), EINVAL);
  EXPECT_EQ(session_.TryStart(3601, 1, 0), EINVAL);
  EXPECT_EQ(session_.TryStart(1, UINT32_MAX, 0), EINVAL);
}

TEST_F(AbiValueTest, TriggersThatCannotBeAreRefused) {
  EXPECT_EQ(session_.TryTrigger(0), EINVAL);
  ASSERT_EQ(session_.TryTrigger(UINT64_MAX), 0);
  EXPECT_EQ(session_.TryTrigger(1), EINVAL);
  session_.Stop();
}

TEST_F(AbiValueTest, OneSessionCapturesAtATime) {
  Session other(AdapterPath());
  other.Start(1, 1);
  EXPECT_EQ(session_.TryStart(1, 1, 0), EBUSY);
  EXPECT_EQ(session_.TryTrigger(1), EBUSY);
  other.Stop();
  EXPECT_EQ(session_.TryStart(1, 1, 0), 0);
}

TEST_F(AbiValueTest, AReadSmallerThanARecordIsRefused) {
  char little[sizeof(grabdma_record) - 1];
  EXPECT_EQ(read(session_.fd(), little, sizeof(little)), -1);
  EXPECT_EQ(errno, EINVAL);
}

TEST_F(AbiValueTest, WithoutARecordANonblockingReadSaysSo) {
  const Session session(AdapterPath(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  grabdma_record record;
  EXPECT_EQ(read(session.fd(), &record, sizeof(record)), -1);
  EXPECT_EQ(errno, EAGAIN);
}

// Random commands with arguments that are plausible, random, or plausible with one random word.
class Storm {
 public:
  Storm(Session* session, uint64_t seed) : session_(session), random_(seed) {}

  void Send() {
    const Command& command = Commands()[random_() % Commands().size()];
    Argument argument = Plausible(command);
    for (size_t offset = 4; offset < command.size; offset += 4) {
      if (random_() % 3 == 0) argument.Put(offset, Word());
    }
    if (random_() % 8 == 0) argument.Put(0, Word());
    if (EndsTheDevice(command, argument)) return;
    if (session_->Try(command.code, argument.data()) == 0 && command.code == GRABDMA_ALLOC) {
      Keep(static_cast<int>(argument.Get(offsetof(grabdma_alloc, live_fd))));
      Keep(static_cast<int>(argument.Get(offsetof(grabdma_alloc, frame_fd))));
    }
  }

 private:
  uint32_t Word() {
    switch (random_() % 4) {
      case 0:
        return static_cast<uint32_t>(random_());
      case 1:
        return uint32_t{1} << (random_() % 32);
      default:
        return static_cast<uint32_t>(random_() % 8);
    }
  }

  static bool EndsTheDevice(const Command& command, const Argument& argument) {
    return command.code == GRABDMA_INJECT &&
           argument.Get(offsetof(grabdma_inject, fault)) == GRABDMA_FAULT_UNPLUG;
  }

  void Keep(int fd) {
    kept_.emplace_back(fd);
    if (kept_.size() > 64) kept_.erase(kept_.begin() + static_cast<long>(random_() % 64));
  }

  Session* session_;
  std::mt19937_64 random_;
  std::vector<UniqueFd> kept_;
};

// Injected faults belong to the adapter and outlive the session.
void ClearFaults(Session* session) {
  if ((session->Info().capabilities & GRABDMA_CAP_INJECT) == 0) return;
  for (const auto fault : {GRABDMA_FAULT_DROP, GRABDMA_FAULT_DMA_ERROR, GRABDMA_FAULT_STALL}) {
    session->Inject(fault, 0);
  }
}

TEST(AbiStormTest, RandomArgumentsHarmNobody) {
  constexpr int kSessions = 20;
  constexpr int kCalls = 500;
  for (uint64_t round = 0; round < kSessions; ++round) {
    Session session(AdapterPath(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    Storm storm(&session, Seed() * 1000 + round);
    for (int call = 0; call < kCalls; ++call) storm.Send();
  }
  Session session(AdapterPath());
  ClearFaults(&session);
  const Buffer buffer = session.Alloc({.bytes = session.Format().bytes});
  EXPECT_EQ(session.Capture(buffer).type, GRABDMA_RECORD_FRAME);
}

}  // namespace
}  // namespace grabfs::vm
