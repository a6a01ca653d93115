// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/thread.h"

#include <csignal>
#include <exception>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/base/log.h"

namespace grabfs {

bool CatchAndLog(const std::string& who, const std::function<void()>& work) noexcept {
  try {
    work();
    return true;
  } catch (...) {
    LogError(who + ": " + ErrorFrom(std::current_exception()).what());
    return false;
  }
}

std::thread StartThread(const std::string& who, std::function<void()> work) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  struct Restore {
    const sigset_t& mask;
    ~Restore() { pthread_sigmask(SIG_SETMASK, &mask, nullptr); }
  } const restore{before};
  return std::thread([who, work = std::move(work)] { CatchAndLog(who, work); });
}

}  // namespace grabfs
