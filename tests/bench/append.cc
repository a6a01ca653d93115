// SPDX-License-Identifier: Apache-2.0
//
// A file of alloc/ that grows by small writes, against one on tmpfs. Each is an exchange with the
// daemon; memory is found for many at a time.
#include <fcntl.h>
#include <unistd.h>

#include <vector>

#include "fusefs/base/error.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/daemon.h"
#include "tests/bench/measure.h"

namespace grabfs::bench {
namespace {

constexpr size_t kBlock = 4096;

double TimeAppends(const std::string& path, size_t bytes) {
  const std::vector<char> block(kBlock, 'x');
  UniqueFd file(CheckSyscall(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), path));
  const double seconds = Seconds([&] {
    for (size_t done = 0; done < bytes; done += kBlock) {
      CheckSyscall(::write(file.get(), block.data(), kBlock), path);
    }
  });
  file.reset();
  ::unlink(path.c_str());
  return seconds;
}

}  // namespace

std::vector<Row> BenchmarkAppend(const Context& context) {
  const Daemon daemon(context, {FullHdDevice(2)});
  const size_t bytes = size_t{context.quick ? 4U : 64U} << 20;
  const double appends = static_cast<double>(bytes) / kBlock;
  const Comparison times = Compare(
      context.pairs, [&] { return TimeAppends(daemon.Path("alloc/append"), bytes) / appends; },
      [&] { return TimeAppends(context.scratch.tmpfs() + "/append", bytes) / appends; });
  return {{"appending 4 KiB to a file of alloc/: time / tmpfs", times.ratio, "x", AtMost(3),
           BothSides(times, "tmpfs")}};
}

}  // namespace grabfs::bench
