// SPDX-License-Identifier: Apache-2.0
//
// A progress bar on one line of a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

namespace grabfs::cli {

class Progress {
 public:
  // Does nothing unless `enabled`. `total` 0: unknown.
  Progress(std::ostream& terminal, bool enabled, uint64_t total);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { Clear(); }

  // Draws the bar, at most a few times a second. `detail`: text behind it.
  void Show(uint64_t done, uint64_t lost, const std::string& detail = "");
  // Erases the bar, so that other lines can be printed.
  void Clear();

 private:
  using Clock = std::chrono::steady_clock;

  void DrawBar(uint64_t done);

  std::ostream& terminal_;
  const bool enabled_;
  const uint64_t total_;
  const Clock::time_point begin_ = Clock::now();
  Clock::time_point next_draw_ = begin_;
  bool drawn_ = false;
};

}  // namespace grabfs::cli
