// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/gst/source_fixture.h"

#include <cinttypes>
#include <cstdio>
#include <fstream>

namespace grabfs::mount_test {

bool SourceTest::IsOfMount(const void* address) const {
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    uintptr_t begin = 0;
    uintptr_t end = 0;
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR, &begin, &end) != 2) continue;
    if (wanted >= begin && wanted < end) {
      return line.find(" " + mount().Path("sim0/")) != std::string::npos;
    }
  }
  return false;
}

}  // namespace grabfs::mount_test
