// SPDX-License-Identifier: Apache-2.0
#include "tests/vm/guest/walker.h"

#include <fcntl.h>
#include <linux/ioctl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "fusefs/base/error.h"
#include "kmod/uapi/grabdma.h"

namespace grabfs::vm {
namespace {

constexpr size_t kMostKept = 24;
constexpr unsigned kMostBuffers = 12;
constexpr uint64_t kMostBytes = 3 << 20;
constexpr unsigned kDelay = 3000;

constexpr std::array<uint32_t, 12> kSizes = {
    sizeof(grabdma_info),    sizeof(grabdma_format_range), sizeof(grabdma_format),
    sizeof(grabdma_format),  sizeof(grabdma_alloc),        sizeof(grabdma_free),
    sizeof(grabdma_queue),   sizeof(grabdma_start),        sizeof(grabdma_stop),
    sizeof(grabdma_trigger), sizeof(grabdma_buffer_state), sizeof(grabdma_inject)};

// Never unplugs: that is the director's.
constexpr uint32_t kFaults[] = {GRABDMA_FAULT_DROP,  GRABDMA_FAULT_DMA_ERROR,
                                GRABDMA_FAULT_STALL, GRABDMA_FAULT_SEQUENCE,
                                GRABDMA_FAULT_TIME,  GRABDMA_FAULT_ALLOC_FAIL};
constexpr int kAdvice[] = {MADV_DONTNEED, MADV_WILLNEED, MADV_COLD,    MADV_PAGEOUT,
                           MADV_HUGEPAGE, MADV_REMOVE,   MADV_DONTFORK};

// Errors that the interface tells of.
bool IsKnown(int error) {
  constexpr int kKnown[] = {E2BIG,  EACCES, EALREADY, EBUSY,  EDQUOT,     EFAULT,
                            EFBIG,  EINTR,  EINVAL,   EIO,    EMFILE,     ENOBUFS,
                            ENODEV, ENOENT, ENOMEM,   ENOSPC, EOPNOTSUPP, EPERM};
  return std::find(std::begin(kKnown), std::end(kKnown), error) != std::end(kKnown);
}

}  // namespace

Walker::Walker(uint64_t seed, unsigned boards)
    : random_(seed), boards_(boards), memory_(64 * 1024), late_(kDelay) {}

uint64_t Walker::Run(std::chrono::steady_clock::time_point deadline) {
  uint64_t steps = 0;
  for (; std::chrono::steady_clock::now() < deadline; ++steps) Step();
  return steps;
}

template <typename Element>
void Walker::Keep(std::vector<Element>& kept, Element element) {
  kept.push_back(std::move(element));
  if (kept.size() > kMostKept) kept.erase(kept.begin() + static_cast<long>(Below(kMostKept)));
}

void Walker::Step() {
  if (!session_.valid()) return OpenSession();
  switch (Below(16)) {
    case 0:
      if (OneIn(20)) OpenSession();
      return;
    case 1:
      if (OneIn(4)) Fork();
      return;
    case 2:
    case 3:
      return ReadRecords();
    case 4:
    case 5:
    case 6:
      return UseFile();
    case 7:
      return UseMapping();
    default:
      return Command();
  }
}

// A board may be away just now: then the old session, if there is one, is kept and has to bear it.
void Walker::OpenSession() {
  const std::string path = "/dev/grabdma" + std::to_string(Below(boards_));
  const int flags = (OneIn(8) ? O_RDONLY : O_RDWR) | O_NONBLOCK | O_CLOEXEC;
  UniqueFd session(open(path.c_str(), flags));
  if (session.valid()) session_ = std::move(session);
}

std::byte* Walker::Somewhere() {
  return OneIn(4) ? static_cast<std::byte*>(late_.Absent()) : memory_.data();
}

void Walker::Command() {
  alignas(8) std::array<uint32_t, kArgumentBytes / 4> words = {};
  const auto command = static_cast<unsigned>(Below(kSizes.size()));
  words[0] = kSizes[command];
  Fill(command, words.data());
  if (OneIn(30)) words[Below(words.size())] = static_cast<uint32_t>(random_());
  void* argument = words.data();
  if (OneIn(4)) argument = late_.WithSlowWrites(std::as_bytes(std::span(words)));
  if (ioctl(session_.get(), _IO(GRABDMA_IOCTL_TYPE, command), argument) != 0) {
    if (!IsKnown(errno)) ThrowErrno("command " + std::to_string(command));
  } else if (command == GRABDMA_COMMAND_ALLOC) {
    KeepFiles(argument);
  }
}

void Walker::Fill(unsigned command, uint32_t* words) {
  switch (command) {
    case GRABDMA_COMMAND_SET_FORMAT: {
      auto* const format = reinterpret_cast<grabdma_format*>(words);
      format->bytes = OneIn(2) ? 1 + Below(1 << 16) : 0;
      if (format->bytes == 0) {
        format->fourcc = 0x59455247;  // GREY
        format->width = 16 + 2 * static_cast<uint32_t>(Below(200));
        format->height = 16 + 2 * static_cast<uint32_t>(Below(200));
      }
      return;
    }
    case GRABDMA_COMMAND_ALLOC: {
      auto* const alloc = reinterpret_cast<grabdma_alloc*>(words);
      alloc->flags = 1u << Below(3);
      alloc->bytes = 1 + Below(OneIn(4) ? kMostBytes : 100'000);
      alloc->direction = OneIn(4) ? GRABDMA_DIRECTION_OUTPUT : GRABDMA_DIRECTION_CAPTURE;
      if (alloc->direction == GRABDMA_DIRECTION_OUTPUT) {
        alloc->flags = GRABDMA_ALLOC_PAGES;
        alloc->writeback_ms = static_cast<uint32_t>(Below(3) * 10);
      }
      return;
    }
    case GRABDMA_COMMAND_FREE:
    case GRABDMA_COMMAND_QUEUE:
      words[2] = static_cast<uint32_t>(Below(kMostBuffers));
      return;
    case GRABDMA_COMMAND_START: {
      auto* const start = reinterpret_cast<grabdma_start*>(words);
      start->interval_num = static_cast<uint32_t>(Below(2));
      start->interval_den = start->interval_num == 0 ? 0 : 1 + static_cast<uint32_t>(Below(9000));
      start->frames = OneIn(3) ? 0 : Below(100);
      return;
    }
    case GRABDMA_COMMAND_STOP:
      words[1] = static_cast<uint32_t>(Below(2));
      return;
    case GRABDMA_COMMAND_TRIGGER:
      reinterpret_cast<grabdma_trigger*>(words)->frames = 1 + Below(8);
      return;
    case GRABDMA_COMMAND_BUFFER_STATE:
      return FillStates(words);
    case GRABDMA_COMMAND_INJECT:
      return FillFault(words);
    default:
      return;
  }
}

void Walker::FillStates(uint32_t* words) {
  auto* const state = reinterpret_cast<grabdma_buffer_state*>(words);
  state->flags = static_cast<uint32_t>(Below(2));
  state->count = static_cast<uint32_t>(Below(150));
  std::byte* const entries = Somewhere();
  state->entries = reinterpret_cast<uintptr_t>(entries);
  if (entries != memory_.data()) return;
  auto* const entry = reinterpret_cast<grabdma_buffer_entry*>(entries);
  for (uint32_t index = 0; index < state->count; ++index) {
    entry[index] = {};
    entry[index].buffer = static_cast<uint32_t>(Below(kMostBuffers));
  }
}

void Walker::FillFault(uint32_t* words) {
  auto* const inject = reinterpret_cast<grabdma_inject*>(words);
  inject->fault = kFaults[Below(std::size(kFaults))];
  if (OneIn(3)) inject->value = Below(20);
  if (inject->fault == GRABDMA_FAULT_DROP && OneIn(4)) inject->value = UINT64_MAX;
  if (inject->fault == GRABDMA_FAULT_STALL) inject->value = OneIn(20) ? 1 : 0;
}

void Walker::KeepFiles(const void* argument) {
  grabdma_alloc alloc;
  std::memcpy(&alloc, argument, sizeof(alloc));
  Keep(files_, UniqueFd(alloc.live_fd));
  if (alloc.frame_fd >= 0) Keep(files_, UniqueFd(alloc.frame_fd));
}

void Walker::ReadRecords() {
  static_cast<void>(!read(session_.get(), Somewhere(), sizeof(grabdma_record) * (1 + Below(8))));
}

void Walker::UseFile() {
  if (files_.empty()) return;
  const int fd = files_[Below(files_.size())].get();
  switch (Below(6)) {
    case 0:
      return Copy(fd);
    case 1:
      return Splice(fd);
    case 2:
    case 3:
      return Map(fd);
    case 4:
      return Reopen(fd);
    default:
      static_cast<void>(fsync(fd));
      return;
  }
}

// All of it may fail: the file is read-only, its device gone, its end near.
void Walker::Copy(int fd) {
  const auto offset = static_cast<off_t>(Below(100'000));
  if (OneIn(2)) {
    static_cast<void>(!pread(fd, Somewhere(), Below(AbsentMemory::kBytes), offset));
  } else {
    static_cast<void>(!pwrite(fd, Somewhere(), Below(AbsentMemory::kBytes), offset));
  }
}

void Walker::Splice(int fd) {
  int ends[2];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return;
  UniqueFd out(ends[0]);
  const UniqueFd in(ends[1]);
  loff_t offset = static_cast<loff_t>(Below(2)) * 4096;
  splice(fd, &offset, in.get(), nullptr, 16384, SPLICE_F_NONBLOCK);
  if (OneIn(3)) splice(out.get(), nullptr, fd, &offset, 4096, SPLICE_F_NONBLOCK);
  // The pages stay on their way for a while.
  if (OneIn(2)) Keep(files_, std::move(out));
}

void Walker::Map(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) return;
  const int protection = OneIn(2) ? PROT_READ : PROT_READ | PROT_WRITE;
  try {
    Keep(mappings_, std::make_unique<Mapping>(fd, static_cast<uint64_t>(status.st_size), protection,
                                              OneIn(4) ? MAP_PRIVATE : MAP_SHARED));
  } catch (const Error&) {
    return;  // Read-only, or given up for the next frame.
  }
  static_cast<void>(*static_cast<const volatile std::byte*>(&mappings_.back()->bytes().front()));
}

void Walker::UseMapping() {
  if (mappings_.empty()) return;
  const size_t index = Below(mappings_.size());
  const std::span<std::byte> bytes = mappings_[index]->bytes();
  switch (Below(4)) {
    case 0:
      mappings_.erase(mappings_.begin() + static_cast<long>(index));
      return;
    case 1:
      static_cast<void>(*static_cast<const volatile std::byte*>(&bytes[Below(bytes.size())]));
      return;
    case 2:
      msync(bytes.data(), bytes.size(), MS_SYNC);
      return;
    default:
      madvise(bytes.data(), bytes.size(), kAdvice[Below(std::size(kAdvice))]);
      return;
  }
}

void Walker::Reopen(int fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  UniqueFd again(open(path.c_str(), (OneIn(2) ? O_RDONLY : O_RDWR) | O_NONBLOCK | O_CLOEXEC));
  if (again.valid()) Keep(files_, std::move(again));
}

// The child has all that its parent has, for a moment longer than the parent perhaps.
void Walker::Fork() {
  while (waitpid(-1, nullptr, WNOHANG) > 0) continue;
  const auto nap = static_cast<useconds_t>(Below(5000));
  if (fork() == 0) {
    usleep(nap);
    _exit(0);
  }
}

}  // namespace grabfs::vm
