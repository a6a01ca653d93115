// SPDX-License-Identifier: Apache-2.0
//
// What a stranger does to a mount, and how long others wait meanwhile.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>

namespace grabfs::bench {

struct Attack {
  std::string name;
  std::function<void()> work;  // done again and again, by an ordinary user
};

// A process of a user who has nothing to lose, which goes on until this is destroyed.
class Attacker {
 public:
  explicit Attacker(const std::function<void()>& work);
  ~Attacker();
  // Throws Error if the attack has ended: what was measured beside it was nothing.
  void RequireAtWork();
  Attacker(const Attacker&) = delete;
  Attacker& operator=(const Attacker&) = delete;

 private:
  pid_t pid_;  // -1: it has ended
};

// The longest of one kind of call, in seconds.
double Worst(const std::function<void()>& call, std::chrono::milliseconds window);

}  // namespace grabfs::bench
