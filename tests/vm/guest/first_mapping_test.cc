// SPDX-License-Identifier: Apache-2.0
//
// Four page faults for the first mapping of an 8 MiB buffer through the mount: one for each 2 MiB.
//
// VM_MOUNT names a mounted device directory whose images are 8 MiB, on a kernel with passthrough.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cstdlib>
#include <string>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"
#include "tests/vm/guest/pagemap.h"

namespace grabfs::vm {
namespace {

constexpr uint64_t kBytes = 8 << 20;

long MinorFaults() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

TEST(FirstMappingTest, EightMegabytesTakeFourFaults) {
  const char* const directory = std::getenv("VM_MOUNT");
  ASSERT_NE(directory, nullptr);
  const std::string path = std::string(directory) + "/buffers/000.raw";
  const UniqueFd file(CheckSyscall(open(path.c_str(), O_RDONLY | O_CLOEXEC), path));
  const Mapping mapping(file.get(), kBytes, PROT_READ, MAP_SHARED);
  const long before = MinorFaults();
  for (size_t offset = 0; offset < kBytes; offset += 4096) {
    static_cast<void>(*static_cast<const volatile std::byte*>(&mapping.bytes()[offset]));
  }
  EXPECT_EQ(MinorFaults() - before, 4);
}

}  // namespace
}  // namespace grabfs::vm
