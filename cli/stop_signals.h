// SPDX-License-Identifier: Apache-2.0
//
// Ctrl-C as a wish to end, for verbs that have something to bring to its end: while this lives,
// SIGINT, SIGTERM and SIGHUP are noted and interrupt what waits. One at a time.
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
