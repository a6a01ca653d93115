// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/attack.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <exception>
#include <iostream>
#include <thread>

#include "fusefs/base/error.h"
#include "tests/bench/measure.h"
#include "tests/mount/support/users.h"

namespace grabfs::bench {
namespace {

constexpr std::chrono::milliseconds kPause{2};

}  // namespace

Attacker::Attacker(const std::function<void()>& work) : pid_(::fork()) {
  if (pid_ != 0) return;
  try {
    ::setpgid(0, 0);
    mount_test::Become(mount_test::kStranger);
    for (;;) work();
  } catch (const std::exception& error) {
    std::cerr << "the attack ends: " << error.what() << '\n';
    ::_exit(1);
  }
}

void Attacker::RequireAtWork() {
  if (::waitpid(pid_, nullptr, WNOHANG) == 0) return;
  pid_ = -1;
  throw Error(EIO, "the attack has failed");
}

Attacker::~Attacker() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

double Worst(const std::function<void()>& call, std::chrono::milliseconds window) {
  double worst = 0;
  const auto end = std::chrono::steady_clock::now() + window;
  while (std::chrono::steady_clock::now() < end) {
    worst = std::max(worst, Seconds(call));
    std::this_thread::sleep_for(kPause);
  }
  return worst;
}

}  // namespace grabfs::bench
