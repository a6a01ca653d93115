// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tests/mount/differential/perform.h"

namespace grabfs::differential {
namespace {

// Puts a new descriptor into `place`; its number is nobody's promise.
Outcome Install(Side& side, int64_t place, int fd, int file) {
  if (fd < 0) return {-errno, {}};
  side.Open(place) = {UniqueFd(fd), file};
  return {};
}

// The bytes of `value`, in the side's memory.
template <typename Value>
Outcome Told(Side& side, int64_t result, const Value& value) {
  const std::span<std::byte> output = side.Output(sizeof value);
  std::memcpy(output.data(), &value, sizeof value);
  return {result, result < 0 ? std::span<std::byte>() : output};
}

int Reopen(int fd, int flags) {
  return ::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), flags | O_CLOEXEC, 0600);
}

}  // namespace

Outcome PerformOpen(Side& side, const Arguments& arguments) {
  const auto [place, file, flags, _3, _4, _5] = arguments;
  // Closed first, so that a place is empty after an attempt that failed.
  side.Open(place) = {};
  const int fd =
      ::open(side.Path(file).c_str(), static_cast<int>(flags) | O_CLOEXEC, S_IRUSR | S_IWUSR);
  return Install(side, place, fd, static_cast<int>(file % kFiles));
}

Outcome PerformReopen(Side& side, const Arguments& arguments) {
  const auto [place, from, flags, _3, _4, _5] = arguments;
  const OpenFile& source = side.Open(from);
  if (!source.fd.valid()) return {-EBADF, {}};
  return Install(side, place, Reopen(source.fd.get(), static_cast<int>(flags)), source.file);
}

Outcome PerformClose(Side& side, const Arguments& arguments) {
  OpenFile& file = side.Open(arguments[0]);
  if (!file.fd.valid()) return {-EBADF, {}};
  const int64_t result = ResultOf(::close(file.fd.release()));
  file = {};
  return {result, {}};
}

Outcome PerformDup(Side& side, const Arguments& arguments) {
  const auto [place, from, _2, _3, _4, _5] = arguments;
  const OpenFile& source = side.Open(from);
  return Install(side, place, ::fcntl(source.fd.get(), F_DUPFD_CLOEXEC, 0), source.file);
}

Outcome PerformGetStatus(Side& side, const Arguments& arguments) {
  return {ResultOf(::fcntl(side.Descriptor(arguments[0]), F_GETFL)), {}};
}

Outcome PerformSetStatus(Side& side, const Arguments& arguments) {
  return {ResultOf(::fcntl(side.Descriptor(arguments[0]), F_SETFL, arguments[1])), {}};
}

Outcome PerformSeek(Side& side, const Arguments& arguments) {
  const auto [place, offset, whence, _3, _4, _5] = arguments;
  return {ResultOf(::lseek(side.Descriptor(place), offset, static_cast<int>(whence))), {}};
}

Outcome PerformStat(Side& side, const Arguments& arguments) {
  struct stat stat {};
  const int64_t result = ResultOf(::fstat(side.Descriptor(arguments[0]), &stat));
  struct {
    int64_t size;
    uint64_t links;
    uint64_t type;
  } const told{stat.st_size, stat.st_nlink, stat.st_mode & S_IFMT};
  return Told(side, result, told);
}

Outcome PerformPoll(Side& side, const Arguments& arguments) {
  const int fd = side.Descriptor(arguments[0]);
  if (fd < 0) return {-EBADF, {}};  // poll() would ignore it
  pollfd polled{fd, static_cast<short>(arguments[1]), 0};
  const int64_t result = ResultOf(::poll(&polled, 1, 0));
  return Told(side, result, polled.revents);
}

Outcome PerformRecordLock(Side& side, const Arguments& arguments) {
  const auto [file, command, type, offset, length, _5] = arguments;
  struct flock lock {};
  lock.l_type = static_cast<short>(type);
  lock.l_whence = SEEK_SET;
  lock.l_start = offset;
  lock.l_len = length;
  const int64_t result =
      ResultOf(::fcntl(side.LockDescriptor(file), static_cast<int>(command), &lock));
  lock.l_pid = lock.l_pid > 0 ? 1 : lock.l_pid;  // that of a forked child is different every time
  return Told(side, result, lock);
}

// Never waits: the one who has the lock may be next in the script.
Outcome PerformFlock(Side& side, const Arguments& arguments) {
  const int mode = static_cast<int>(arguments[1]) | LOCK_NB;
  return {ResultOf(::flock(side.LockDescriptor(arguments[0]), mode)), {}};
}

Outcome PerformUnlockByClosing(Side& side, const Arguments& arguments) {
  side.CloseLockDescriptor(arguments[0]);
  return {};
}

}  // namespace grabfs::differential
