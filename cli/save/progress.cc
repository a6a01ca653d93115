// SPDX-License-Identifier: Apache-2.0
#include "cli/save/progress.h"

#include <algorithm>
#include <ostream>
#include <string>

#include "cli/base/text.h"

namespace grabfs::cli {
namespace {

constexpr uint64_t kBarWidth = 30;
constexpr std::chrono::milliseconds kInterval{100};
// Back to the first column, and everything behind it away.
constexpr const char* kClearLine = "\r\033[K";

}  // namespace

Progress::Progress(std::ostream& terminal, bool enabled, uint64_t total)
    : terminal_(terminal), enabled_(enabled), total_(total) {}

void Progress::DrawBar(uint64_t done) {
  const auto filled = static_cast<size_t>(std::min(done, total_) * kBarWidth / total_);
  terminal_ << '[' << std::string(filled, '#') << std::string(kBarWidth - filled, '.') << "] "
            << done << '/' << total_;
}

void Progress::Show(uint64_t done, uint64_t lost, const std::string& detail) {
  const Clock::time_point now = Clock::now();
  if (!enabled_ || (now < next_draw_ && (total_ == 0 || done < total_))) return;
  next_draw_ = now + kInterval;
  drawn_ = true;
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  terminal_ << kClearLine;
  if (total_ > 0) {
    DrawBar(done);
  } else {
    terminal_ << done;
  }
  if (seconds > 0) terminal_ << "  " << Decimal(static_cast<double>(done) / seconds, 1) << "/s";
  if (!detail.empty()) terminal_ << "  " << detail;
  if (lost > 0) terminal_ << "  " << lost << " lost";
  terminal_ << std::flush;
}

void Progress::Clear() {
  if (drawn_) terminal_ << kClearLine << std::flush;
  drawn_ = false;
}

}  // namespace grabfs::cli
