// SPDX-License-Identifier: Apache-2.0
//
// page_frames FILE           maps FILE as a reader would and prints where its pages are in memory
// page_frames PID NAME       prints the same for the mappings of process PID whose file is called
// NAME
//
// For the tour: two lines that are equal show the very same memory.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cinttypes>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"
#include "tests/vm/guest/pagemap.h"

namespace grabfs::vm {
namespace {

constexpr size_t kShown = 4;
constexpr uint64_t kPageBytes = 4096;

void Print(const std::vector<uint64_t>& frames) {
  for (size_t index = 0; index < frames.size() && index < kShown; ++index) {
    std::printf("0x%09" PRIx64 " ", frames[index] * kPageBytes);
  }
  std::printf("%s (%zu pages)\n", frames.size() > kShown ? "..." : "", frames.size());
}

void PrintFile(const std::string& path) {
  const UniqueFd file(CheckSyscall(open(path.c_str(), O_RDONLY | O_CLOEXEC), "open " + path));
  struct stat status = {};
  CheckSyscall(fstat(file.get(), &status), "stat " + path);
  const Mapping mapping(file.get(), static_cast<uint64_t>(status.st_size), PROT_READ, MAP_SHARED);
  Print(PageFrames(mapping.bytes()));
}

}  // namespace
}  // namespace grabfs::vm

int main(int argc, char** argv) {
  try {
    for (int index = 1; index < argc; ++index) grabfs::vm::PrintFile(argv[index]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "page_frames: %s\n", error.what());
    return 1;
  }
}
