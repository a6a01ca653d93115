// SPDX-License-Identifier: Apache-2.0
//
// A look at one frame through a mapping: open, mmap, touch every page, munmap, close.
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/bench/benchmarks.h"
#include "tests/bench/daemon.h"
#include "tests/bench/measure.h"
#include "tests/bench/twins.h"
#include "tests/mount/support/file.h"

namespace grabfs::bench {
namespace {

constexpr int kRounds = 20;
constexpr size_t kPage = 4096;

void Touch(const std::byte& byte) {
  const volatile std::byte& look = byte;
  static_cast<void>(static_cast<std::byte>(look));
}

void LookAt(const std::string& path, size_t bytes) {
  const UniqueFd file = mount_test::Open(path, O_RDONLY);
  const mount_test::Mapping pixels(file.get(), bytes);
  for (size_t offset = 0; offset < bytes; offset += kPage) Touch(pixels.data()[offset]);
}

double TimeLooks(const std::vector<std::string>& paths, size_t bytes) {
  return Seconds([&] {
    for (int round = 0; round < kRounds; ++round) LookAt(paths[round % paths.size()], bytes);
  });
}

Row MeasureLooks(const Context& context, const std::string& size, const std::string& device,
                 Target target) {
  const Daemon daemon(context, {device});
  const Twins twins = CaptureTwins(context, daemon.device(), 4);
  const auto bytes = static_cast<size_t>(mount_test::Stat(twins.frames[0]).st_size);
  const Comparison times = Compare(
      context.pairs, [&] { return TimeLooks(twins.frames, bytes) / kRounds; },
      [&] { return TimeLooks(twins.copies, bytes) / kRounds; });
  return {"open, mmap, touch, munmap, close, " + size + ": time / tmpfs", times.ratio, "x", target,
          BothSides(times, "tmpfs")};
}

}  // namespace

std::vector<Row> BenchmarkMap(const Context& context) {
  return {MeasureLooks(context, "1920x1080", FullHdDevice(4), AtMost(0.30)),
          MeasureLooks(context, "2048x1024",
                       "cam0=pattern,width=2048,height=1024,format=BGR4,state=stopped,buffers=4",
                       AtMost(0.12))};
}

}  // namespace grabfs::bench
