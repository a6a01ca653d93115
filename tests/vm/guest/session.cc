// SPDX-License-Identifier: Apache-2.0
#include "tests/vm/guest/session.h"

#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "fusefs/base/error.h"
#include "tests/vm/guest/environment.h"

namespace grabfs::vm {
namespace {

// A struct of the interface with its size filled in and all else zero.
template <typename Argument>
Argument Sized() {
  Argument argument = {};
  argument.size = sizeof(argument);
  return argument;
}

grabdma_alloc ToArgument(const AllocRequest& request) {
  auto argument = Sized<grabdma_alloc>();
  argument.flags = request.strategy;
  argument.bytes = request.bytes;
  argument.direction = request.direction;
  argument.writeback_ms = request.writeback_ms;
  return argument;
}

Buffer ToBuffer(const grabdma_alloc& argument) {
  return Buffer{.id = argument.buffer,
                .bytes = argument.bytes,
                .segments = argument.segments,
                .live = UniqueFd(argument.live_fd),
                .frame = UniqueFd(argument.frame_fd)};
}

}  // namespace

Session::Session(const std::string& path, int flags)
    : fd_(CheckSyscall(open(path.c_str(), flags), "open " + path)) {}

int Session::Try(unsigned long command, void* argument) const {
  return ioctl(fd_.get(), command, argument) == 0 ? 0 : errno;
}

void Session::Do(const char* what, unsigned long command, void* argument) const {
  if (const int error = Try(command, argument); error != 0) {
    throw Error(error, std::string(what) + ": " + ErrnoText(error));
  }
}

grabdma_info Session::Info() const {
  auto argument = Sized<grabdma_info>();
  Do("INFO", GRABDMA_INFO, &argument);
  return argument;
}

grabdma_format Session::Format() const {
  auto argument = Sized<grabdma_format>();
  Do("GET_FORMAT", GRABDMA_GET_FORMAT, &argument);
  return argument;
}

grabdma_format Session::SetFormat(uint32_t fourcc, uint32_t width, uint32_t height,
                                  uint64_t bytes) {
  auto argument = Sized<grabdma_format>();
  argument.fourcc = fourcc;
  argument.width = width;
  argument.height = height;
  argument.bytes = bytes;
  Do("SET_FORMAT", GRABDMA_SET_FORMAT, &argument);
  return argument;
}

Buffer Session::Alloc(const AllocRequest& request) {
  auto argument = ToArgument(request);
  Do("ALLOC", GRABDMA_ALLOC, &argument);
  return ToBuffer(argument);
}

int Session::TryAlloc(const AllocRequest& request, Buffer* buffer) {
  auto argument = ToArgument(request);
  const int error = Try(GRABDMA_ALLOC, &argument);
  if (error == 0) *buffer = ToBuffer(argument);
  return error;
}

int Session::TryFree(uint32_t buffer) const {
  auto argument = Sized<grabdma_free>();
  argument.buffer = buffer;
  return Try(GRABDMA_FREE, &argument);
}

void Session::Queue(uint32_t buffer) {
  auto argument = Sized<grabdma_queue>();
  argument.buffer = buffer;
  Do("QUEUE", GRABDMA_QUEUE, &argument);
}

int Session::TryQueue(uint32_t buffer) const {
  auto argument = Sized<grabdma_queue>();
  argument.buffer = buffer;
  return Try(GRABDMA_QUEUE, &argument);
}

void Session::Start(uint32_t interval_num, uint32_t interval_den, uint64_t frames) {
  if (const int error = TryStart(interval_num, interval_den, frames); error != 0) {
    throw Error(error, "START: " + ErrnoText(error));
  }
}

int Session::TryStart(uint32_t interval_num, uint32_t interval_den, uint64_t frames) const {
  auto argument = Sized<grabdma_start>();
  argument.interval_num = interval_num;
  argument.interval_den = interval_den;
  argument.frames = frames;
  return Try(GRABDMA_START, &argument);
}

void Session::Stop(uint32_t flags) {
  auto argument = Sized<grabdma_stop>();
  argument.flags = flags;
  Do("STOP", GRABDMA_STOP, &argument);
}

int Session::TryTrigger(uint64_t frames) const {
  auto argument = Sized<grabdma_trigger>();
  argument.frames = frames;
  return Try(GRABDMA_TRIGGER, &argument);
}

grabdma_buffer_entry Session::State(uint32_t buffer, uint32_t flags) const {
  grabdma_buffer_entry entry = {};
  entry.buffer = buffer;
  auto argument = Sized<grabdma_buffer_state>();
  argument.flags = flags;
  argument.count = 1;
  argument.entries = reinterpret_cast<uintptr_t>(&entry);
  Do("BUFFER_STATE", GRABDMA_BUFFER_STATE, &argument);
  return entry;
}

uint64_t Session::Inject(grabdma_fault fault, uint64_t value) {
  auto argument = Sized<grabdma_inject>();
  argument.fault = fault;
  argument.value = value;
  Do("INJECT", GRABDMA_INJECT, &argument);
  return argument.pending;
}

int Session::TryInject(grabdma_fault fault, uint64_t value) const {
  auto argument = Sized<grabdma_inject>();
  argument.fault = fault;
  argument.value = value;
  return Try(GRABDMA_INJECT, &argument);
}

std::optional<grabdma_record> Session::Read(std::chrono::milliseconds patience) {
  pollfd waiting = {.fd = fd_.get(), .events = POLLIN, .revents = 0};
  if (CheckSyscall(poll(&waiting, 1, static_cast<int>(patience.count())), "poll") == 0) return {};
  grabdma_record record = {};
  CheckSyscall(read(fd_.get(), &record, sizeof(record)), "read a record");
  return record;
}

grabdma_record Session::ReadFrame(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience * PatienceFactor();
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    const auto record = Read(std::max(left, std::chrono::milliseconds(0)));
    if (!record) throw Error(ETIMEDOUT, "no frame came");
    if (record->type != GRABDMA_RECORD_DROP && record->type != GRABDMA_RECORD_IDLE) return *record;
  }
}

grabdma_record Session::Capture(const Buffer& buffer, std::chrono::milliseconds patience) {
  Queue(buffer.id);
  if (const int error = TryTrigger(1); error != 0) {
    throw Error(error, "TRIGGER: " + ErrnoText(error));
  }
  return ReadFrame(patience);
}

std::vector<std::string> FindAdapters(const std::string& adapter) {
  std::vector<std::string> found;
  for (int index = 0; index < 64; ++index) {
    const std::string path = "/dev/grabdma" + std::to_string(index);
    if (!std::filesystem::exists(path)) continue;
    if (adapter.empty() || adapter == Session(path).Info().adapter) found.push_back(path);
  }
  return found;
}

}  // namespace grabfs::vm
