// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tests/mount/differential/choices.h"
#include "tests/mount/differential/perform.h"

namespace grabfs::differential {
namespace {

// What a pipe takes at once, wherever in its pages the data begins.
constexpr size_t kPipeBytes = size_t{15} * kPageBytes;

struct Progress {
  int64_t done = 0;
  int64_t error = 0;  // that ended it, negative

  // The error only when nothing was done.
  [[nodiscard]] int64_t DoneOrError() const { return done > 0 ? done : error; }
  [[nodiscard]] int64_t ErrorOrDone() const { return error < 0 ? error : done; }
};

// Calls `step(done)` until it returns 0 or fails or all is done.
template <typename Step>
Progress Repeat(size_t length, Step step) {
  Progress progress;
  while (static_cast<size_t>(progress.done) < length) {
    const int64_t moved = step(static_cast<size_t>(progress.done));
    if (moved < 0) progress.error = moved;
    if (moved <= 0) break;
    progress.done += moved;
  }
  return progress;
}

void Drain(const Pipe& pipe, std::span<std::byte> into) {
  for (size_t done = 0; done < into.size();) {
    const ssize_t got = ::read(pipe.out.get(), into.data() + done, into.size() - done);
    if (got <= 0) return;
    done += static_cast<size_t>(got);
  }
}

// Fills the pipe by `fill(done, most)` and empties it into output, again and again.
template <typename Fill>
Outcome ThroughPipe(const Pipe& pipe, std::span<std::byte> output, Fill fill) {
  const int64_t result = Repeat(output.size(), [&](size_t done) {
                           const int64_t filled =
                               fill(done, std::min(output.size() - done, kPipeBytes));
                           if (filled > 0)
                             Drain(pipe, output.subspan(done, static_cast<size_t>(filled)));
                           return filled;
                         }).DoneOrError();
  return Delivered(result, output);
}

// A tee of what is in `pipe` must be the same as that.
bool TeeAgrees(Side& side, const Pipe& pipe, size_t length, std::span<std::byte> expected) {
  const Pipe& copy = side.pipe(1);
  const ssize_t teed = ::tee(pipe.out.get(), copy.in.get(), length, SPLICE_F_NONBLOCK);
  if (teed != static_cast<ssize_t>(length)) return false;
  Drain(pipe, expected);
  std::vector<std::byte> seen(length);
  Drain(copy, seen);
  return std::ranges::equal(seen, expected);
}

int64_t SplicePiece(Side& side, int fd, int64_t position, size_t length, unsigned flags) {
  loff_t from = position;
  return ResultOf(
      ::splice(fd, &from, side.pipe(0).in.get(), nullptr, length, flags | SPLICE_F_NONBLOCK));
}

// Empties the first pipe into the file; what does not go there is dropped.
int64_t SpliceIntoFile(Side& side, int fd, int64_t position, size_t length, unsigned flags) {
  const Pipe& pipe = side.pipe(0);
  loff_t to = position;
  const Progress progress = Repeat(length, [&](size_t done) {
    return ResultOf(::splice(pipe.out.get(), nullptr, fd, &to, length - done, flags));
  });
  std::vector<std::byte> rest(length - static_cast<size_t>(progress.done));
  Drain(pipe, rest);
  return progress.ErrorOrDone();
}

int64_t CopyBySplice(Side& side, int from, int to, int64_t position, int64_t target,
                     size_t length) {
  const size_t most = std::min(length, kPipeBytes);
  const int64_t filled = SplicePiece(side, from, position, most, 0);
  if (filled <= 0) return filled;
  return SpliceIntoFile(side, to, target, static_cast<size_t>(filled), 0);
}

int64_t CopyBySendFile(int from, int to, int64_t position, int64_t target, size_t length) {
  // It writes where the target's descriptor is.
  if (::lseek(to, target, SEEK_SET) < 0) return -errno;
  off_t at = position;
  return Repeat(length,
                [&](size_t done) { return ResultOf(::sendfile(to, from, &at, length - done)); })
      .ErrorOrDone();
}

int64_t CopyByRange(int from, int to, int64_t position, int64_t target, size_t length) {
  loff_t source = position;
  loff_t sink = target;
  return Repeat(length,
                [&](size_t done) {
                  return ResultOf(::copy_file_range(from, &source, to, &sink, length - done, 0));
                })
      .ErrorOrDone();
}

}  // namespace

Outcome PerformSendFile(Side& side, const Arguments& arguments) {
  const auto [place, length, position, _3, _4, _5] = arguments;
  const int fd = side.Descriptor(place);
  off_t at = position;
  return ThroughPipe(side.pipe(0), side.Output(length), [&](size_t, size_t most) {
    return ResultOf(::sendfile(side.pipe(0).in.get(), fd, &at, most));
  });
}

Outcome PerformSpliceOut(Side& side, const Arguments& arguments) {
  const auto [place, length, position, flags, _4, _5] = arguments;
  const int fd = side.Descriptor(place);
  const std::span<std::byte> output = side.Output(length);
  const int64_t result =
      Repeat(output.size(), [&](size_t done) -> int64_t {
        const size_t most = std::min(output.size() - done, kPipeBytes);
        const int64_t at = position + static_cast<int64_t>(done);
        const int64_t filled = SplicePiece(side, fd, at, most, static_cast<unsigned>(flags));
        if (filled <= 0) return filled;
        const auto count = static_cast<size_t>(filled);
        return TeeAgrees(side, side.pipe(0), count, output.subspan(done, count)) ? filled
                                                                                 : -EBADMSG;
      }).DoneOrError();
  return Delivered(result, output);
}

Outcome PerformSpliceIn(Side& side, const Arguments& arguments) {
  const auto [place, length, position, seed, flags, _5] = arguments;
  const std::span<const std::byte> input = side.Input(length, seed);
  const size_t count = std::min(input.size(), kPipeBytes);
  if (count == 0) return {};
  if (const ssize_t written = ::write(side.pipe(0).in.get(), input.data(), count); written < 0) {
    return {-errno, {}};
  }
  return {SpliceIntoFile(side, side.Descriptor(place), position, count,
                         static_cast<unsigned>(flags) & ~unsigned{SPLICE_F_NONBLOCK}),
          {}};
}

Outcome PerformVmSplice(Side& side, const Arguments& arguments) {
  const auto [map, length, start, _3, _4, _5] = arguments;
  const MappedRange& mapping = side.Mapping(map);
  if (!mapping.mapped()) return {-ENOMEM, {}};
  const size_t first = static_cast<size_t>(start);
  const std::span<std::byte> part = mapping.Part(first, static_cast<size_t>(length));
  const std::span<std::byte> output = side.Output(static_cast<int64_t>(part.size()));
  const Outcome outcome = ThroughPipe(side.pipe(0), output, [&](size_t done, size_t most) {
    const iovec piece{part.data() + done, most};
    return ResultOf(::vmsplice(side.pipe(0).in.get(), &piece, 1, SPLICE_F_NONBLOCK));
  });
  ZeroPastTheEnd(side, mapping.PositionOf(first), output.first(outcome.data.size()));
  return outcome;
}

Outcome PerformCopy(Side& side, const Arguments& arguments) {
  const auto [from, to, wanted, position, target, by] = arguments;
  const OpenFile& source = side.Open(from);
  const OpenFile& sink = side.Open(to);
  const size_t length = side.Output(wanted).size();
  if (length == 0) return {};
  if (Overlap(source.file, position, sink.file, target, length)) return {};
  // The pipe holds pages of the source. In the page cache of FUSE a write that fails, in the last
  // page, makes that page unreadable for the pipe.
  const bool fails =
      target > static_cast<int64_t>(side.file_bytes()) - static_cast<int64_t>(length);
  const bool by_pipe = static_cast<CopyCall>(by) == CopyCall::kSplice;
  if (by_pipe && fails && source.file == sink.file) return {};
  const int in = source.fd.get();
  const int out = sink.fd.get();
  switch (static_cast<CopyCall>(by)) {
    case CopyCall::kCopyFileRange:
      return {CopyByRange(in, out, position, target, length), {}};
    case CopyCall::kSendFile:
      return {CopyBySendFile(in, out, position, target, length), {}};
    case CopyCall::kSplice:
      return {CopyBySplice(side, in, out, position, target, length), {}};
  }
  return {-EINVAL, {}};
}

}  // namespace grabfs::differential
