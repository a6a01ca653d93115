// SPDX-License-Identifier: Apache-2.0
//
// `ls -l` of a device with thousands of buffers against the same directories on a tmpfs.
#include <filesystem>

#include "tests/bench/benchmarks.h"
#include "tests/bench/command.h"
#include "tests/bench/daemon.h"
#include "tests/bench/measure.h"
#include "tests/bench/twins.h"
#include "tests/mount/support/file.h"

namespace grabfs::bench {
namespace {

constexpr unsigned kBuffers = 4096;

// A directory on the tmpfs with files of the same names and sizes.
std::string MakeTwin(const Context& context, const std::string& directory) {
  const std::filesystem::path source = directory;
  const std::filesystem::path twin = context.scratch.tmpfs() / source.filename();
  std::filesystem::create_directory(twin);
  for (const std::string& name : mount_test::List(directory)) {
    mount_test::CreateFile(twin / name, mount_test::ReadFile(source / name));
  }
  return twin;
}

Row MeasureListing(const Context& context, const mount_test::Device& device,
                   const std::string& name) {
  const std::string directory = device.Path(name);
  const double first = TimeCommand({"ls", "-l", directory});
  const std::string twin = MakeTwin(context, directory);
  const Comparison times = Compare(
      context.pairs,
      [&] {
        return TimeCommand({"ls", "-l", directory});
      },
      [&] {
        return TimeCommand({"ls", "-l", twin});
      });
  return {"ls -l of " + name + "/ with " + std::to_string(kBuffers) + " entries: time / tmpfs",
          times.ratio, "x", AtMost(3),
          BothSides(times, "tmpfs") + "; the first time " + FormatSeconds(first)};
}

}  // namespace

std::vector<Row> BenchmarkList(const Context& context) {
  const Daemon daemon(context, {"cam0=pattern,width=64,height=64,format=GREY,rate=0,state=stopped,"
                                "buffers=" +
                                std::to_string(kBuffers)});
  const mount_test::Device device = daemon.device();
  device.Capture(kBuffers);
  EmptyDirectory(context.scratch.tmpfs());
  std::vector<Row> rows = {MeasureListing(context, device, "buffers"),
                           MeasureListing(context, device, "frames")};
  EmptyDirectory(context.scratch.tmpfs());
  return rows;
}

}  // namespace grabfs::bench
