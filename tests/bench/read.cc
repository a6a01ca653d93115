// SPDX-License-Identifier: Apache-2.0
//
// read() of whole frames against read() of the same bytes from a tmpfs.
#include <fcntl.h>
#include <unistd.h>

#include "fusefs/base/error.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/daemon.h"
#include "tests/bench/measure.h"
#include "tests/bench/twins.h"
#include "tests/mount/support/file.h"

namespace grabfs::bench {
namespace {

constexpr unsigned kFrames = 4;
constexpr int kRounds = 4;

std::vector<UniqueFd> OpenAll(const std::vector<std::string>& paths) {
  std::vector<UniqueFd> files;
  for (const std::string& path : paths) files.push_back(mount_test::Open(path, O_RDONLY));
  return files;
}

void ReadWhole(int fd, std::span<std::byte> into) {
  const ssize_t got = CheckSyscall(::pread(fd, into.data(), into.size(), 0), "read a frame");
  if (static_cast<size_t>(got) != into.size()) throw Error(EIO, "a frame was read in part");
}

double TimeReads(const std::vector<UniqueFd>& files, std::span<std::byte> into) {
  return Seconds([&] {
    for (int round = 0; round < kRounds; ++round) {
      for (const UniqueFd& file : files) ReadWhole(file.get(), into);
    }
  });
}

}  // namespace

std::vector<Row> BenchmarkRead(const Context& context) {
  const Daemon daemon(context, {FullHdDevice(kFrames)});
  const Twins twins = CaptureTwins(context, daemon.device(), kFrames);
  const std::vector<UniqueFd> frames = OpenAll(twins.frames);
  const std::vector<UniqueFd> copies = OpenAll(twins.copies);
  std::vector<std::byte> pixels(static_cast<size_t>(mount_test::StatFd(frames[0].get()).st_size));

  const Comparison times = Compare(
      context.pairs, [&] { return TimeReads(frames, pixels); },
      [&] { return TimeReads(copies, pixels); });
  return {{"read() of a whole frame: throughput / tmpfs", 1 / times.ratio, "x", AtLeast(0.97),
           BothSides(times, "tmpfs") + " for " + std::to_string(kRounds * kFrames) + " frames"}};
}

}  // namespace grabfs::bench
