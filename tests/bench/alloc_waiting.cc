// SPDX-License-Identifier: Apache-2.0
//
// What one user does in alloc/, and how long others wait for it at worst: each attack beside a
// bystander who looks at an attribute and at the newest frame of a device that streams, and one who
// makes 8 KiB of memory of his own. One attack is on the machine and not on grabfs: what it costs
// others is the processors' price.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "fusefs/base/error.h"
#include "tests/bench/attack.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/daemon.h"
#include "tests/bench/measure.h"
#include "tests/mount/support/aligned_buffer.h"
#include "tests/mount/support/file.h"
#include "tests/mount/support/io_ring.h"
#include "tests/mount/support/wait.h"

namespace grabfs::bench {
namespace {

constexpr unsigned kReaders = 20;
constexpr unsigned kWriters = 16;

UniqueFd Make(const std::string& path) {
  return UniqueFd(CheckSyscall(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666), path));
}

// Sizes of a file that others read meanwhile.
void ResizeAmongReaders(const std::string& path, uint64_t bytes) {
  const UniqueFd file = Make(path);
  CheckSyscall(::ftruncate(file.get(), 8192), path);
  std::atomic<bool> stop = false;
  std::vector<std::thread> readers;
  for (unsigned i = 0; i < kReaders; ++i) {
    readers.emplace_back([&] {
      std::array<char, 4096> data{};
      while (!stop) {
        const UniqueFd reader = mount_test::Open(path, O_RDWR);
        Use(::pread(reader.get(), data.data(), data.size(), 0));
      }
    });
  }
  const int resized = ::ftruncate(file.get(), static_cast<off_t>(bytes));
  stop = true;
  for (std::thread& reader : readers) reader.join();
  CheckSyscall(resized, path);
  CheckSyscall(::ftruncate(file.get(), 0), path);
}

// An exception in one of them ends the process.
void InThreads(const std::function<void(unsigned)>& work) {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kWriters; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
}

// Asynchronous writes, each far behind the end of a file.
void GrowByRings(const std::string& path, uint64_t bytes) {
  InThreads([&](unsigned i) {
    const UniqueFd file = Make(path + std::to_string(i));
    ::unlink((path + std::to_string(i)).c_str());
    auto ring = mount_test::IoRing::Create();
    mount_test::AlignedBuffer buffer(4096);
    if (!ring || ring->RegisterBuffer({buffer.data(), buffer.capacity()}) != 0 ||
        ring->WriteFixed(file.get(), bytes / kWriters, 4096) != 4096) {
      throw Error(EIO, path + ": an asynchronous write");
    }
  });
}

// The same memory, without grabfs.
void FillMemory(uint64_t bytes) {
  InThreads([&](unsigned /*i*/) {
    const UniqueFd file(CheckSyscall(::memfd_create("memory", MFD_CLOEXEC), "memfd_create"));
    CheckSyscall(::fallocate(file.get(), 0, 0, static_cast<off_t>(bytes / kWriters)), "fallocate");
  });
}

}  // namespace

std::vector<Row> BenchmarkAllocWaiting(const Context& context) {
  const Daemon daemon(context, {FullHdDevice(4)}, "allow_other");
  const std::chrono::milliseconds window(context.quick ? 200 : 5000);
  const uint64_t bytes = uint64_t{context.quick ? 32U : 1024U} << 20;
  const std::string path = daemon.Path("alloc/attack");
  const std::array<Attack, 4> attacks = {
      {{"alone", [] { ::pause(); }},
       {"a file is resized while 20 read it", [&] { ResizeAmongReaders(path, bytes); }},
       {"16 asynchronous writes grow files", [&] { GrowByRings(path, bytes); }},
       {"16 threads have as much memory of the kernel itself", [&] { FillMemory(bytes); }}}};
  const mount_test::Device device = daemon.device();
  const auto look = [&] {
    (void)mount_test::ReadText(device.Path("trigger"));
    const UniqueFd frame(::open(device.latest().c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 4096> data{};
    if (frame.valid()) Use(::pread(frame.get(), data.data(), data.size(), 0));
  };
  const auto allocate = [&] {
    const std::string own = daemon.Path("alloc/own");
    CheckSyscall(::ftruncate(Make(own).get(), 8192), own);
    ::unlink(own.c_str());
  };
  device.Set("state", "start");
  (void)mount_test::WaitUntil([&] { return mount_test::Exists(device.latest()); });
  std::vector<Row> rows;
  for (const Attack& attack : attacks) {
    Attacker attacker(attack.work);
    const uint64_t before = DroppedFrames(device);
    const double looks = Worst(look, window);
    const double allocations = Worst(allocate, window);
    attacker.RequireAtWork();
    const uint64_t dropped = DroppedFrames(device) - before;
    rows.push_back({"alloc/, " + attack.name + ": worst wait of a bystander", looks * 1e3, "ms",
                    AtMost(50), std::to_string(dropped) + " frames dropped"});
    rows.push_back(
        {"... of another for 8 KiB of his own", allocations * 1e3, "ms", AtMost(50), ""});
  }
  device.Stop();
  return rows;
}

}  // namespace grabfs::bench
