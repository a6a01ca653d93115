// SPDX-License-Identifier: Apache-2.0
#include "tests/vm/guest/pagemap.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::vm {
namespace {

// Documentation/admin-guide/mm/pagemap.rst
constexpr uint64_t kFrameMask = (uint64_t{1} << 55) - 1;
constexpr uint64_t kPresent = uint64_t{1} << 63;

size_t PageSize() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

// `process` is "self" or a number; absent pages are 0.
std::vector<uint64_t> ReadPagemap(const std::string& process, uint64_t address, size_t count) {
  const std::string path = "/proc/" + process + "/pagemap";
  const UniqueFd pagemap(CheckSyscall(open(path.c_str(), O_RDONLY | O_CLOEXEC), "open " + path));
  std::vector<uint64_t> frames(count);
  CheckSyscall(pread(pagemap.get(), frames.data(), count * sizeof(uint64_t),
                     static_cast<off_t>(address / PageSize() * sizeof(uint64_t))),
               "read " + path);
  for (uint64_t& frame : frames) {
    const bool present = (frame & kPresent) != 0;
    frame &= kFrameMask;
    if (present && frame == 0) throw Error(EPERM, path + ": page frame numbers are hidden");
    if (!present) frame = 0;
  }
  return frames;
}

}  // namespace

std::vector<uint64_t> PageFrames(std::span<const std::byte> memory) {
  const size_t count = (memory.size() + PageSize() - 1) / PageSize();
  for (size_t index = 0; index < count; ++index) {
    static_cast<void>(*static_cast<const volatile std::byte*>(&memory[index * PageSize()]));
  }
  auto frames = ReadPagemap("self", reinterpret_cast<uintptr_t>(memory.data()), count);
  if (std::find(frames.begin(), frames.end(), 0) != frames.end()) {
    throw Error(ENOENT, "pagemap: a page is not present");
  }
  return frames;
}

std::vector<std::vector<uint64_t>> PageFramesOf(int pid, const std::string& name) {
  const std::string process = std::to_string(pid);
  std::ifstream maps("/proc/" + process + "/maps");
  if (!maps) ThrowErrno("open the maps of process " + process);
  std::vector<std::vector<uint64_t>> found;
  for (std::string line; std::getline(maps, line);) {
    if (line.find(name) == std::string::npos) continue;
    size_t dash = 0;
    const uint64_t begin = std::stoull(line, &dash, 16);
    const uint64_t end = std::stoull(line.substr(dash + 1), nullptr, 16);
    found.push_back(ReadPagemap(process, begin, (end - begin) / PageSize()));
  }
  return found;
}

Mapping::Mapping(int fd, uint64_t bytes, int protection, int flags, int64_t offset) {
  void* const address = mmap(nullptr, bytes, protection, flags, fd, offset);
  if (address == MAP_FAILED) ThrowErrno("mmap");
  bytes_ = {static_cast<std::byte*>(address), bytes};
}

Mapping::~Mapping() { munmap(bytes_.data(), bytes_.size()); }

}  // namespace grabfs::vm
