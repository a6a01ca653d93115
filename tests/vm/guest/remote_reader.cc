// SPDX-License-Identifier: Apache-2.0
//
// remote_reader DEVICE SECONDS   reads frames of a device that is mounted over the network, while
// it
//                                captures, and compares every byte with what a frame of that name
//                                has
//
// A frame that has gone meanwhile is no failure. Another error is, and a reader that got no frame.
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"
#include "tests/mount/support/picture.h"

namespace grabfs::vm {
namespace {

// What the test has the device capture.
const mount_test::Picture& ThePicture() {
  static const mount_test::Picture picture("GREY", 640, 480);
  return picture;
}

// Throws Error.
std::vector<std::string> NamesIn(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
  if (!stream) ThrowErrno(directory);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (name.ends_with(".raw")) names.push_back(name);
  }
  if (errno != 0) ThrowErrno(directory);
  std::ranges::sort(names);
  return names;
}

std::vector<std::byte> Contents(const std::string& path) {
  const UniqueFd file(CheckSyscall(::open(path.c_str(), O_RDONLY | O_CLOEXEC), path));
  std::vector<std::byte> all(ThePicture().bytes() + 1);
  size_t size = 0;
  while (const ssize_t count = ::read(file.get(), all.data() + size, all.size() - size)) {
    size += static_cast<size_t>(CheckSyscall(count, path));
  }
  all.resize(size);
  return all;
}

class Reader {
 public:
  explicit Reader(std::string device) : device_(std::move(device)) {}

  void RunFor(std::chrono::seconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) ReadOne();
  }
  // Whether all were right, and there were some.
  [[nodiscard]] bool Report() const {
    std::printf("# %s: %" PRIu64 " frames right, %" PRIu64 " gone, %" PRIu64 " wrong\n",
                device_.c_str(), right_, gone_, wrong_);
    return right_ > 0 && wrong_ == 0;
  }

 private:
  // The newest one, any of those that are listed, or latest.raw, which is some frame.
  void ReadOne() {
    try {
      if (random_() % 4 == 0) {
        const auto pixels = Contents(device_ + "/latest.raw");
        return Judge("latest.raw", pixels, mount_test::Picture::Stamp(pixels));
      }
      const std::vector<std::string> names = NamesIn(device_ + "/frames");
      if (names.empty()) return;
      const std::string& name = random_() % 2 == 0 ? names.back() : names[random_() % names.size()];
      Judge(name, Contents(device_ + "/frames/" + name), std::stoull(name));
    } catch (const Error& error) {
      if (error.code() != ESTALE && error.code() != ENOENT) throw;
      ++gone_;
    }
  }

  void Judge(const std::string& name, const std::vector<std::byte>& pixels, uint64_t sequence) {
    const auto result = ThePicture().IsFrame(pixels, sequence);
    ++(result ? right_ : wrong_);
    if (!result)
      std::fprintf(stderr, "%s/%s: %s\n", device_.c_str(), name.c_str(), result.message());
  }

  const std::string device_;
  std::minstd_rand random_{1};
  uint64_t right_ = 0;
  uint64_t gone_ = 0;
  uint64_t wrong_ = 0;
};

}  // namespace
}  // namespace grabfs::vm

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    grabfs::vm::Reader reader(argv[1]);
    reader.RunFor(std::chrono::seconds(std::atoi(argv[2])));
    return reader.Report() ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "remote_reader: %s\n", error.what());
    return 1;
  }
}
