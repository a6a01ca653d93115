// SPDX-License-Identifier: Apache-2.0
//
// What one user does in alloc/, and how long others wait for it at worst: each attack beside a
// bystander who opens, reads and closes an attribute, and makes 8 KiB of memory of his own.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
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

namespace grabfs::bench {
namespace {

constexpr unsigned kReaders = 20;
constexpr unsigned kRings = 16;

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
  (void)!::ftruncate(file.get(), static_cast<off_t>(bytes));
  stop = true;
  for (std::thread& reader : readers) reader.join();
  (void)!::ftruncate(file.get(), 0);
}

// Asynchronous writes, each far behind the end of a file.
void GrowByRings(const std::string& path, uint64_t bytes) {
  std::vector<std::thread> writers;
  for (unsigned i = 0; i < kRings; ++i) {
    writers.emplace_back([&, i] {
      const UniqueFd file = Make(path + std::to_string(i));
      ::unlink((path + std::to_string(i)).c_str());
      auto ring = mount_test::IoRing::Create();
      mount_test::AlignedBuffer buffer(4096);
      if (!ring || ring->RegisterBuffer({buffer.data(), buffer.capacity()}) != 0) return;
      (void)ring->WriteFixed(file.get(), bytes / kRings, 4096);
    });
  }
  for (std::thread& writer : writers) writer.join();
}

}  // namespace

std::vector<Row> BenchmarkAllocWaiting(const Context& context) {
  const Daemon daemon(context, {FullHdDevice(4)}, "allow_other");
  const std::chrono::milliseconds window(context.quick ? 200 : 5000);
  const uint64_t bytes = uint64_t{context.quick ? 32U : 1024U} << 20;
  const std::string path = daemon.Path("alloc/attack");
  const std::array<Attack, 3> attacks = {
      {{"alone", [] { ::pause(); }},
       {"a file is resized while 20 read it", [&] { ResizeAmongReaders(path, bytes); }},
       {"16 asynchronous writes grow files", [&] { GrowByRings(path, bytes); }}}};
  const auto look = [&] { (void)mount_test::ReadText(daemon.device().Path("trigger")); };
  const auto allocate = [&] {
    const std::string own = daemon.Path("alloc/own");
    CheckSyscall(::ftruncate(Make(own).get(), 8192), own);
    ::unlink(own.c_str());
  };
  std::vector<Row> rows;
  for (const Attack& attack : attacks) {
    const Attacker attacker(attack.work);
    const double looks = Worst(look, window);
    const double allocations = Worst(allocate, window);
    rows.push_back({"alloc/, " + attack.name + ": worst wait of a bystander", looks * 1e3, "ms",
                    AtMost(50), "for 8 KiB of his own " + FormatSeconds(allocations)});
  }
  return rows;
}

}  // namespace grabfs::bench
