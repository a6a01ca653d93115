// SPDX-License-Identifier: Apache-2.0
//
// For verbs that must finish something when the user presses Ctrl-C: while this object exists,
// SIGINT, SIGTERM and SIGHUP set a flag and interrupt waiting system calls, instead of ending the
// process. One object at a time.
#pragma once

#include <signal.h>

#include <array>

namespace grabfs::cli {

class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  [[nodiscard]] static bool came();

 private:
  static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};

  std::array<struct sigaction, kSignals.size()> before_;
};

}  // namespace grabfs::cli
