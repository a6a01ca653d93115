// SPDX-License-Identifier: Apache-2.0
#include "tests/vm/guest/frame_readers.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <new>
#include <random>
#include <span>
#include <string>
#include <thread>

#include "fusefs/base/error.h"
#include "tests/mount/support/environment.h"
#include "tests/mount/support/file.h"

namespace grabfs::vm {
namespace {

constexpr int kFailed = 1;
constexpr unsigned kLongestLookMs = 20;
// Of the smallest number of buffers that a device here has.
constexpr unsigned kBuffers = 4;

// The frame was recycled, the device unplugged, the daemon killed.
bool IsGone(int error) {
  return error == ENOENT || error == ESTALE || error == ENODEV || error == ENOTCONN ||
         error == ECONNABORTED;
}

class Reader {
 public:
  Reader(const mount_test::Device& device, const mount_test::Picture& picture, uint64_t seed)
      : device_(device), picture_(picture), random_(seed) {}

  // One look; false when there was no frame to be had. Throws Error.
  bool Look() {
    switch (random_() % 4) {
      case 0:
        return LookAtBuffer();
      case 1:
        return LookByReading();
      default:
        return LookByMapping();
    }
  }

 private:
  bool LookByMapping() {
    UniqueFd file = Open(device_.latest());
    if (!file.valid()) return false;
    const mount_test::Mapping mapping(file.get(), picture_.bytes());
    if (random_() % 2 == 0) file.reset();
    const uint64_t sequence = mount_test::Picture::Stamp(mapping.bytes());
    Insist(mapping.bytes(), sequence);
    Pause();
    Insist(mapping.bytes(), sequence);
    return true;
  }

  bool LookByReading() {
    const UniqueFd file = Open(device_.latest());
    if (!file.valid()) return false;
    std::vector<std::byte> pixels(picture_.bytes());
    const ssize_t got = pread(file.get(), pixels.data(), pixels.size(), 0);
    if (got < 0 && IsGone(errno)) return false;
    if (CheckSyscall(got, "read a frame") != static_cast<ssize_t>(pixels.size())) {
      throw Error(EIO, "short read of a frame");
    }
    Insist(pixels, mount_test::Picture::Stamp(pixels));
    return true;
  }

  // Follows the live buffer, whose content is anybody's; only its pages have to be there.
  bool LookAtBuffer() {
    UniqueFd file = Open(device_.Buffer(random_() % kBuffers));
    if (!file.valid()) return false;
    const mount_test::Mapping mapping(file.get(), picture_.bytes());
    file.reset();
    static_cast<void>(mount_test::Picture::Stamp(mapping.bytes()));
    Pause();
    static_cast<void>(*static_cast<const volatile std::byte*>(&mapping.bytes().back()));
    return true;
  }

  static UniqueFd Open(const std::string& path) {
    UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid() && !IsGone(errno)) ThrowErrno("open " + path);
    return file;
  }

  void Insist(std::span<const std::byte> pixels, uint64_t sequence) const {
    const auto result = picture_.IsFrame(pixels, sequence);
    if (!result) throw Error(EIO, result.message());
  }

  void Pause() {
    std::this_thread::sleep_for(std::chrono::milliseconds(random_() % kLongestLookMs));
  }

  const mount_test::Device device_;
  const mount_test::Picture& picture_;
  std::mt19937_64 random_;
};

}  // namespace

FrameReaders::FrameReaders(const mount_test::Device& device, const mount_test::Picture& picture,
                           unsigned count, uint64_t seed) {
  void* const memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) ThrowErrno("mmap");
  shared_ = new (memory) Shared{};
  for (unsigned index = 0; index < count; ++index) {
    readers_.push_back(std::make_unique<mount_test::Child>(
        [this, &device, &picture, seed, index](const mount_test::Child::Parent&) {
          Reader reader(device, picture, seed + index);
          try {
            while (!shared_->stop) {
              // Who finds nothing to look at leaves the processor to those who make it.
              if (reader.Look()) {
                ++shared_->looked_at;
              } else {
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
              }
            }
            return 0;
          } catch (const Error& error) {
            std::fprintf(stderr, "reader: %s\n", error.what());
            return kFailed;
          }
        }));
  }
}

FrameReaders::~FrameReaders() {
  readers_.clear();
  munmap(shared_, sizeof(Shared));
}

uint64_t FrameReaders::Stop() {
  const bool cached = mount_test::ActiveDataPath() != mount_test::DataPath::kPassthrough;
  shared_->stop = true;
  for (const auto& reader : readers_) {
    const int status = reader->Wait();
    EXPECT_TRUE(status == 0 || (cached && status == 128 + SIGBUS))
        << "a reader ended with " << status;
  }
  readers_.clear();
  return shared_->looked_at;
}

}  // namespace grabfs::vm
