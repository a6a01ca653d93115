// SPDX-License-Identifier: Apache-2.0
//
// Access to memory that may answer with SIGBUS or SIGSEGV.
#pragma once

#include <cstddef>

namespace grabfs::differential {

// Once in each process, before the first access.
void InstallFaultGuard();

struct Access {
  size_t done = 0;  // bytes
  int signal = 0;   // that ended it, 0: none
};

// Copies from, or to, mapped memory page by page: what lies before a page that faults is done.
Access CopyFromMapped(void* to, const std::byte* mapped, size_t length);
Access CopyToMapped(std::byte* mapped, const void* from, size_t length);

}  // namespace grabfs::differential
