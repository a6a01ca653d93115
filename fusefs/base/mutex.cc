// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/mutex.h"

#include <cstdlib>
#include <string>

#include "fusefs/base/log.h"

namespace grabfs {
namespace {

// A test must fail. A user's mount must go on: at worst it stands still for a moment.
bool IsFatal() {
  static const bool fatal = std::getenv("GRABFS_STRICT") != nullptr;
  return fatal;
}

thread_local unsigned no_waiting = 0;  // scopes, and locks that are held
thread_local unsigned scopes = 0;

}  // namespace

NoWaiting::NoWaiting() noexcept {
  Begin();
  ++scopes;
}

NoWaiting::~NoWaiting() {
  --scopes;
  End();
}

void NoWaiting::Begin() noexcept { ++no_waiting; }

void NoWaiting::End() noexcept { --no_waiting; }

void TakesTime() {
  if (scopes > 0) throw NeedsTime();
}

void MayWait(const char* what) {
  if (no_waiting == 0) return;
  LogError(std::string("internal error: a thread must not wait for ") + what + " here");
  if (IsFatal()) std::abort();
}

}  // namespace grabfs
