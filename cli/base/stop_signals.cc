// SPDX-License-Identifier: Apache-2.0
#include "cli/base/stop_signals.h"

namespace grabfs::cli {
namespace {

volatile sig_atomic_t signal_came = 0;

}  // namespace

StopSignals::StopSignals() {
  signal_came = 0;
  struct sigaction action = {};
  action.sa_handler = [](int) { signal_came = 1; };
  for (size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &action, &before_[i]);
}

StopSignals::~StopSignals() {
  for (size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
}

bool StopSignals::came() { return signal_came != 0; }

}  // namespace grabfs::cli
