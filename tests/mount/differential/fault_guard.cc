// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/differential/fault_guard.h"

#include <setjmp.h>
#include <signal.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "fusefs/base/error.h"
#include "tests/mount/differential/domain.h"

namespace grabfs::differential {
namespace {

// Where the access of this thread goes on after a fault.
thread_local sigjmp_buf* t_escape = nullptr;

void OnFault(int signal) {
  if (t_escape) ::siglongjmp(*t_escape, signal);
  // A fault of the test itself: it comes again, and ends the process.
  ::signal(signal, SIG_DFL);
}

size_t RestOfPage(const std::byte* mapped) {
  return kPageBytes - reinterpret_cast<uintptr_t>(mapped) % kPageBytes;
}

// `mapped` is one of `to` and `from`; the copy is cut at its pages.
Access Copy(std::byte* to, const std::byte* from, const std::byte* mapped, size_t length) {
  sigjmp_buf escape;
  volatile size_t done = 0;
  // With the mask: ThreadSanitizer blocks all signals in a handler, SA_NODEFER or not.
  const int signal = sigsetjmp(escape, 1);
  if (signal == 0) {
    t_escape = &escape;
    while (done < length) {
      const size_t part = std::min(length - done, RestOfPage(mapped + done));
      std::memcpy(to + done, from + done, part);
      done = done + part;
    }
  }
  t_escape = nullptr;
  return {done, signal};
}

}  // namespace

void InstallFaultGuard() {
  struct sigaction action {};
  action.sa_handler = OnFault;
  action.sa_flags = SA_NODEFER;
  for (const int signal : {SIGBUS, SIGSEGV}) {
    CheckSyscall(::sigaction(signal, &action, nullptr), "sigaction");
  }
}

Access CopyFromMapped(void* to, const std::byte* mapped, size_t length) {
  return Copy(static_cast<std::byte*>(to), mapped, mapped, length);
}

Access CopyToMapped(std::byte* mapped, const void* from, size_t length) {
  return Copy(mapped, static_cast<const std::byte*>(from), mapped, length);
}

}  // namespace grabfs::differential
