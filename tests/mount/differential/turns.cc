// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/differential/turns.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace grabfs::differential {
namespace {

// Not std::atomic's wait(): that is for threads of one process only.
long Futex(std::atomic<uint32_t>& word, int operation, uint32_t value) {
  return ::syscall(SYS_futex, &word, operation, value, nullptr, nullptr, 0);
}

}  // namespace

std::optional<size_t> Turns::Await(unsigned actor) {
  std::atomic<uint32_t>& bell = bells_.at(actor);
  while (bell.exchange(0) == 0) Futex(bell, FUTEX_WAIT, 0);
  if (stopped_) return std::nullopt;
  return now_.load();
}

void Turns::Pass(unsigned actor) {
  if (stopped_) return;
  if (now_ + 1 == count_) return Stop();
  now_++;
  Ring(actor);
}

void Turns::Stop() {
  stopped_ = true;
  RingAll();
}

void Turns::Ring(unsigned actor) {
  std::atomic<uint32_t>& bell = bells_.at(actor);
  bell = 1;
  Futex(bell, FUTEX_WAKE, 1);
}

void Turns::RingAll() {
  for (unsigned actor = 0; actor < kActors; actor++) Ring(actor);
}

}  // namespace grabfs::differential
