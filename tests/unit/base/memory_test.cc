// SPDX-License-Identifier: Apache-2.0
//
// Frame memory: exact, zeroed, sealed, aligned, and honest about who uses it. Everything runs on
// real memfds and real leases.
#include "fusefs/base/memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <thread>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/huge_pages.h"
#include "fusefs/base/mapping.h"

namespace grabfs {
namespace {

constexpr uint64_t k1080pBgr4 = 8294400;
constexpr uint64_t kHugePage = uint64_t{2} << 20;

using Usage = Memory::Usage;

// A reader of the file behind `fd`, as FUSE passthrough makes one: an open of its own.
UniqueFd Reopen(int fd, int flags) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  return UniqueFd(CheckSyscall(::open(path.c_str(), flags | O_CLOEXEC), path));
}

class ReadMapping {
 public:
  ReadMapping(int fd, size_t bytes, int flags = MAP_SHARED)
      : address_(::mmap(nullptr, bytes, PROT_READ, flags, fd, 0)), bytes_(bytes) {
    EXPECT_NE(address_, MAP_FAILED);
  }
  ~ReadMapping() { ::munmap(address_, bytes_); }
  ReadMapping(const ReadMapping&) = delete;
  ReadMapping& operator=(const ReadMapping&) = delete;

  [[nodiscard]] const char* data() const { return static_cast<const char*>(address_); }

 private:
  void* address_;
  size_t bytes_;
};

uint64_t FileSize(int fd) {
  struct stat status {};
  CheckSyscall(::fstat(fd, &status), "fstat");
  return static_cast<uint64_t>(status.st_size);
}

// "always", "advise" ... as the kernel marks the choice: "always [never] deny".
std::string ShmemHugePages() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/shmem_enabled");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const size_t open = text.find('[');
  return open == std::string::npos ? "absent" : text.substr(open + 1, text.find(']') - open - 1);
}

TEST(Memory, TheFileAndTheMappingHaveTheExactSize) {
  for (const uint64_t bytes : {uint64_t{1}, uint64_t{256}, uint64_t{4096}, uint64_t{4097},
                               kHugePage, k1080pBgr4, kHugePage * 2 + 1}) {
    const auto memory = AllocateMemory("test", bytes);
    EXPECT_EQ(memory->bytes().size(), bytes);
    EXPECT_EQ(FileSize(memory->live_fd()), bytes);
    EXPECT_EQ(FileSize(memory->frame_fd()), bytes);
  }
}

TEST(Memory, IsZeroed) {
  const auto memory = AllocateMemory("test", k1080pBgr4);
  EXPECT_TRUE(std::ranges::all_of(memory->bytes(), [](std::byte b) { return b == std::byte{0}; }));
}

TEST(Memory, IsAlignedForHugePageTableEntries) {
  const auto memory = AllocateMemory("test", k1080pBgr4);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory->bytes().data()) % kHugePage, 0u);
}

TEST(Memory, ReadersOfTheFileSeeWhatIsWrittenToTheMapping) {
  const auto memory = AllocateMemory("test", 4096);
  const UniqueFd reader = Reopen(memory->frame_fd(), O_RDONLY);
  const ReadMapping mapping(reader.get(), 4096);
  memory->bytes()[7] = std::byte{'x'};
  char byte = 0;
  EXPECT_EQ(::pread(reader.get(), &byte, 1, 7), 1);
  EXPECT_EQ(byte, 'x');
  EXPECT_EQ(mapping.data()[7], 'x');
}

TEST(Memory, EveryPageExistsFromTheBeginning) {
  const auto memory = AllocateMemory("test", k1080pBgr4);
  struct stat status {};
  ASSERT_EQ(::fstat(memory->live_fd(), &status), 0);
  EXPECT_GE(static_cast<uint64_t>(status.st_blocks) * 512, k1080pBgr4);
  std::vector<unsigned char> resident((k1080pBgr4 + 4095) / 4096);
  ASSERT_EQ(::mincore(memory->bytes().data(), k1080pBgr4, resident.data()), 0);
  EXPECT_TRUE(std::ranges::all_of(resident, [](unsigned char page) { return page & 1; }));
}

TEST(Memory, CanBeOfSmallPagesOnly) {
  const auto memory = AllocateMemory("test", k1080pBgr4, PageSize::kSmall);
  EXPECT_EQ(HugePageBytes({memory->bytes()}), 0U);
  std::vector<unsigned char> resident((k1080pBgr4 + 4095) / 4096);
  ASSERT_EQ(::mincore(memory->bytes().data(), k1080pBgr4, resident.data()), 0);
  EXPECT_TRUE(std::ranges::all_of(resident, [](unsigned char page) { return page & 1; }));
}

TEST(Memory, CanNeitherGrowNorShrink) {
  const auto memory = AllocateMemory("test", 8192);
  const UniqueFd writer = Reopen(memory->live_fd(), O_RDWR);
  EXPECT_EQ(::ftruncate(writer.get(), 4096), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::ftruncate(writer.get(), 12288), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::pwrite(writer.get(), "x", 1, 8192), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::fcntl(writer.get(), F_ADD_SEALS, F_SEAL_WRITE), -1);
  EXPECT_EQ(errno, EPERM);
}

TEST(Memory, CarriesItsNameInProc) {
  const auto memory = AllocateMemory("sim0/003", 4096);
  char target[128] = {};
  const std::string path = "/proc/self/fd/" + std::to_string(memory->live_fd());
  ASSERT_GT(::readlink(path.c_str(), target, sizeof target - 1), 0);
  EXPECT_STREQ(target, "/memfd:sim0/003 (deleted)");
}

TEST(Memory, AcceptsAnyLengthOfName) {
  EXPECT_NE(AllocateMemory(std::string(5000, 'n'), 4096), nullptr);
}

TEST(Memory, DescriptorsDoNotSurviveExec) {
  const auto memory = AllocateMemory("test", 4096);
  EXPECT_EQ(::fcntl(memory->live_fd(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(::fcntl(memory->frame_fd(), F_GETFD), FD_CLOEXEC);
}

TEST(Memory, RefusesZeroBytes) {
  try {
    AllocateMemory("sim0/000", 0);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), EINVAL);
    EXPECT_STREQ(error.what(), "memory sim0/000: 0 bytes");
  }
}

TEST(Memory, GivesEverythingBack) {
  const auto descriptors = [] {
    const UniqueFd probe(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    return probe.get();
  };
  const int before = descriptors();
  for (int i = 0; i < 100; ++i) AllocateMemory("test", kHugePage);
  EXPECT_EQ(descriptors(), before);
}

TEST(Memory, HugePagesAreCountedWhereTheKernelGivesThem) {
  if (ShmemHugePages() == "deny" || ShmemHugePages() == "absent") {
    GTEST_SKIP() << "the kernel gives no huge pages to shared memory: " << ShmemHugePages();
  }
  const auto memory = AllocateMemory("test", k1080pBgr4);
  const uint64_t bytes = HugePageBytes({memory->bytes()});
  EXPECT_EQ(bytes % kHugePage, 0u);
  EXPECT_LE(bytes, k1080pBgr4);
  // Memory in pieces of 2 MiB may be scarce; none at all means that collapsing does not work.
  EXPECT_GT(bytes, 0u);
}

TEST(Memory, SmallBuffersHaveNoHugePages) {
  const auto memory = AllocateMemory("test", 65536);
  EXPECT_EQ(HugePageBytes({memory->bytes()}), 0u);
}

TEST(Memory, FourThousandSmallBuffersAreAllocatedAndProbed) {
  std::vector<std::unique_ptr<Memory>> buffers;
  try {
    for (int i = 0; i < 4096; ++i) buffers.push_back(AllocateMemory("test", 384));
  } catch (const Error& error) {
    ASSERT_EQ(error.code(), EMFILE) << error.what();
    GTEST_SKIP() << "the limit of open files is too low: " << error.what();
  }
  EXPECT_TRUE(std::ranges::all_of(
      buffers, [](const auto& buffer) { return buffer->Probe() == Usage::kIdle; }));
}

TEST(MemoryProbe, MemoryThatNobodyElseHasIsIdle) {
  const auto memory = AllocateMemory("test", k1080pBgr4);
  memory->bytes()[0] = std::byte{1};
  EXPECT_EQ(memory->Probe(), Usage::kIdle);
  EXPECT_EQ(memory->Probe(), Usage::kIdle);
}

TEST(MemoryProbe, AnOpenReaderIsSeenUntilItCloses) {
  const auto memory = AllocateMemory("test", 4096);
  UniqueFd reader = Reopen(memory->frame_fd(), O_RDONLY);
  EXPECT_EQ(memory->Probe(), Usage::kUnclear);
  reader.reset();
  EXPECT_EQ(memory->Probe(), Usage::kIdle);
}

TEST(MemoryProbe, AnOpenWriterIsSeenUntilItCloses) {
  const auto memory = AllocateMemory("test", 4096);
  UniqueFd writer = Reopen(memory->live_fd(), O_RDWR);
  EXPECT_EQ(memory->Probe(), Usage::kUnclear);
  writer.reset();
  EXPECT_EQ(memory->Probe(), Usage::kIdle);
}

TEST(MemoryProbe, AMappingIsSeenAfterItsDescriptorIsClosed) {
  for (const int flags : {MAP_SHARED, MAP_PRIVATE}) {
    const auto memory = AllocateMemory("test", k1080pBgr4);
    UniqueFd reader = Reopen(memory->frame_fd(), O_RDONLY);
    {
      const ReadMapping one_page(reader.get(), 4096, flags);
      reader.reset();
      EXPECT_EQ(memory->Probe(), Usage::kUnclear);
    }
    EXPECT_EQ(memory->Probe(), Usage::kIdle);
  }
}

TEST(MemoryProbe, AForkedChildsMappingIsSeenAfterTheParentsIsGone) {
  const auto memory = AllocateMemory("test", 4096);
  UniqueFd reader = Reopen(memory->frame_fd(), O_RDONLY);
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd ours(ends[0]);
  UniqueFd childs(ends[1]);
  char byte = 0;
  pid_t child = -1;
  {
    const ReadMapping mapping(reader.get(), 4096);
    child = ::fork();
    if (child == 0) {
      // Only the mapping stays; the byte says so, and the answer ends it.
      ::close(reader.get());
      const bool told = ::write(childs.get(), "x", 1) == 1 && ::read(childs.get(), &byte, 1) == 1;
      ::_exit(told ? mapping.data()[0] : 1);
    }
  }
  reader.reset();
  childs.reset();
  ASSERT_EQ(::read(ours.get(), &byte, 1), 1);
  EXPECT_EQ(memory->Probe(), Usage::kUnclear);
  ASSERT_EQ(::write(ours.get(), "x", 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(memory->Probe(), Usage::kIdle);
}

TEST(MemoryProbe, TwoMemoriesAreIndependent) {
  const auto first = AllocateMemory("first", 4096);
  const auto second = AllocateMemory("second", 4096);
  const UniqueFd reader = Reopen(first->frame_fd(), O_RDONLY);
  EXPECT_EQ(first->Probe(), Usage::kUnclear);
  EXPECT_EQ(second->Probe(), Usage::kIdle);
}

// The lease exists for microseconds; opens that meet it must neither fail nor end this process, as
// the signal that the kernel sends by default would.
TEST(MemoryProbe, OpensThatMeetTheLeaseSucceedAndDisturbNobody) {
  const auto memory = AllocateMemory("test", 4096);
  std::atomic<bool> stop = false;
  std::atomic<int> opened = 0;
  std::thread opener([&] {
    while (!stop) {
      const UniqueFd reader = Reopen(memory->frame_fd(), O_RDONLY);
      ++opened;
    }
  });
  int idle = 0;
  while (opened < 2000 || idle < 2000) idle += memory->Probe() == Usage::kIdle;
  stop = true;
  opener.join();
  EXPECT_EQ(memory->Probe(), Usage::kIdle);
}

TEST(Mapping, SaysWhatItWasFor) {
  try {
    const Mapping mapping(-1, 4096, "memory sim0/000");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), EBADF);
    EXPECT_STREQ(error.what(), "memory sim0/000: mmap: Bad file descriptor");
  }
}

}  // namespace
}  // namespace grabfs
