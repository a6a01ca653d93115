// SPDX-License-Identifier: Apache-2.0
//
// A program that maps the buffers once and reads all pixels of every new frame, against one that
// has the same pictures in its own anonymous memory. In both cases another thread has just painted
// the picture, so that the caches are in the same state.
#include <fcntl.h>
#include <sys/mman.h>

#include <cstring>
#include <future>

#include "fusefs/base/error.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/daemon.h"
#include "tests/bench/measure.h"
#include "tests/bench/painter.h"
#include "tests/mount/support/event_reader.h"
#include "tests/mount/support/file.h"

namespace grabfs::bench {
namespace {

constexpr unsigned kBuffers = 4;

// Reads every pixel; four sums, so that the processor waits for memory and not for itself.
double TimeReading(std::span<const std::byte> pixels) {
  return Seconds([&] {
    std::array<uint64_t, 4> sums{};
    std::array<uint64_t, 4> words{};
    for (size_t offset = 0; offset + sizeof(words) <= pixels.size(); offset += sizeof(words)) {
      std::memcpy(words.data(), pixels.data() + offset, sizeof(words));
      for (size_t i = 0; i < words.size(); ++i) sums[i] += words[i];
    }
    for (const uint64_t sum : sums) Use(sum);
  });
}

// Follows a device through mappings that are made once.
class Follower {
 public:
  explicit Follower(const mount_test::Device& device) : device_(device), events_(device) {
    for (unsigned buffer = 0; buffer < kBuffers; ++buffer) {
      const UniqueFd file = mount_test::Open(device.Buffer(buffer), O_RDONLY);
      const auto bytes = static_cast<size_t>(mount_test::StatFd(file.get()).st_size);
      buffers_.emplace_back(file.get(), bytes);
      TimeReading(buffers_.back().bytes());
    }
  }

  double ReadNewFrame() {
    device_.Set("trigger", "1");
    const nlohmann::json frame = events_.NextOf("frame");
    return TimeReading(buffers_.at(frame.at("buffer")).bytes());
  }

 private:
  mount_test::Device device_;
  mount_test::EventReader events_;
  std::vector<mount_test::Mapping> buffers_;
};

// The same with private memory that a thread of this process paints.
class Private {
 public:
  Private() : picture_(FullHdPicture()) {
    for (unsigned buffer = 0; buffer < kBuffers; ++buffer) {
      buffers_.emplace_back(-1, picture_.bytes(), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS);
    }
  }

  double ReadNewFrame() {
    const mount_test::Mapping& buffer = buffers_[sequence_ % kBuffers];
    std::async(std::launch::async, [&] { picture_.Paint(sequence_, buffer.writable()); }).get();
    ++sequence_;
    return TimeReading(buffer.bytes());
  }

 private:
  TestPicture picture_;
  std::vector<mount_test::Mapping> buffers_;
  uint64_t sequence_ = 0;
};

}  // namespace

std::vector<Row> BenchmarkFollow(const Context& context) {
  const Daemon daemon(context, {FullHdDevice(kBuffers)});
  Follower follower(daemon.device());
  Private memory;
  for (unsigned frame = 0; frame < kBuffers; ++frame) memory.ReadNewFrame();
  const Comparison times = Compare(
      10 * context.pairs, [&] { return follower.ReadNewFrame(); },
      [&] { return memory.ReadNewFrame(); });
  return {{"reading each new frame in a mapped buffer: speed / private memory", 1 / times.ratio,
           "x", AtLeast(0.98), BothSides(times, "private memory") + " for a frame"}};
}

}  // namespace grabfs::bench
