// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli monitor: what devices are doing, live.
#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <thread>

#include "cli/base/stop_signals.h"
#include "cli/command/target.h"
#include "cli/command/verb.h"
#include "cli/mount/mount_table.h"
#include "cli/watch/monitor_view.h"
#include "cli/watch/screen.h"

namespace grabfs::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kPageWidth = 80;

constexpr size_t kHistory = 500;  // looks, as much as a wide screen shows

// Looks at mounts again and again; each look is compared with the one before.
class Watch {
 public:
  // Both have to live as long.
  Watch(const Context& context, Target& target) : context_(context), target_(target) {
    (void)Look();
  }

  std::vector<MonitoredMount> Look() {
    const Clock::time_point now = Clock::now();
    const double seconds = std::chrono::duration<double>(now - before_at_).count();
    std::vector<MonitoredMount> look;
    std::map<std::string, Seen> seen;
    for (const ExaminedMount& mount : target_.MountsToWatch(context_)) {
      MonitoredMount& here = look.emplace_back(MonitoredMount{mount.mount.mountpoint, {}});
      for (const DeviceStatus& status : mount.status.devices) {
        const std::string path = mount.mount.mountpoint + "/" + status.name;
        seen[path] = Compared(path, status, seconds);
        here.devices.push_back({status, seen[path].rates, seen[path].history, {}});
      }
      AddUsers(here);
    }
    before_ = std::move(seen);
    before_at_ = now;
    return look;
  }

 private:
  struct Seen {
    DeviceStatus status;
    DeviceRates rates;
    std::vector<double> history;
  };

  [[nodiscard]] Seen Compared(const std::string& path, const DeviceStatus& status,
                              double seconds) const {
    const auto before = before_.find(path);
    if (before == before_.end()) return {status, {}, {}};
    Seen seen = {status, Compare(before->second.status, status, seconds), before->second.history};
    seen.history.push_back(seen.rates.frames);
    if (seen.history.size() > kHistory) seen.history.erase(seen.history.begin());
    return seen;
  }

  void AddUsers(MonitoredMount& look) const {
    const auto mounts = GrabfsMounts(context_.system);
    const auto mount = std::ranges::find(mounts, look.mountpoint, &MountInfo::mountpoint);
    if (mount == mounts.end()) return;
    const std::vector<FileUser> users = FindFileUsers(context_.system, *mount);
    for (MonitoredDevice& device : look.devices) {
      for (const FileUser& user : users) {
        if (const auto part = WithinDirectory(user, device.status.name)) {
          device.users.push_back(*part);
        }
      }
    }
  }

  const Context& context_;
  Target& target_;
  std::map<std::string, Seen> before_;  // by the device's path
  Clock::time_point before_at_;
};

class MonitorVerb : public Verb {
 public:
  void Declare(Options& options) override {
    target_.DeclareDevices(options);
    options.Seconds("-i,--interval", interval_, "Between two looks (default 1)");
    options.Flag("--once", once_, "One look as text, over one interval");
    options.Flag("--json", json_, "One object a line for each device and interval");
  }

  ExitCode Run(Context& context) override {
    if (interval_ && *interval_ <= 0) throw UsageError("monitor: the interval must be above 0");
    Watch watch(context, target_);
    const StopSignals signals;
    if (once_ || json_) {
      PrintLooks(context, watch);
    } else {
      Show(watch);
    }
    return ExitCode::kDone;
  }

 private:
  [[nodiscard]] double interval() const { return interval_.value_or(1); }

  void PrintLooks(Context& context, Watch& watch) const {
    do {
      std::this_thread::sleep_for(std::chrono::duration<double>(interval()));
      const std::vector<MonitoredMount> look = watch.Look();
      if (json_) {
        PrintJson(context, look);
      } else {
        for (const Line& line : RenderMonitor(look, kPageWidth, false)) {
          context.out << TextOf(line) << '\n';
        }
      }
      if (!context.out.flush()) return;
    } while (!once_ && !StopSignals::came());
  }

  static void PrintJson(Context& context, const std::vector<MonitoredMount>& look) {
    for (const MonitoredMount& mount : look) {
      for (const MonitoredDevice& device : mount.devices) {
        context.out << ToJson(mount.mountpoint, device).dump() << '\n';
      }
    }
  }

  void Show(Watch& watch) const {
    Screen screen;
    size_t first = 0;
    std::vector<MonitoredMount> look = watch.Look();
    Clock::time_point next = Clock::now();
    while (!StopSignals::came()) {
      if (Clock::now() >= next) {
        look = watch.Look();
        next = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                  std::chrono::duration<double>(interval()));
      }
      std::vector<Line> lines = RenderMonitor(look, screen.width(), screen.unicode());
      const size_t page = screen.height() - 1;
      first = std::min(first, lines.size() - std::min(lines.size(), page));
      lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(first));
      const bool more = lines.size() > page;
      lines.resize(page);
      lines.push_back({{more || first > 0 ? "q ends, up and down move" : "q ends"}});
      screen.Draw(lines);
      const std::chrono::duration<double> left = next - Clock::now();
      switch (screen.Wait(std::max(left.count(), 0.01))) {
        case Screen::Key::kQuit:
          return;
        case Screen::Key::kUp:
          first -= std::min<size_t>(first, 1);
          break;
        case Screen::Key::kDown:
          ++first;
          break;
        case Screen::Key::kResized:
        case Screen::Key::kNone:
          break;
      }
    }
  }

  Target target_;
  std::optional<double> interval_;
  bool once_ = false;
  bool json_ = false;
};

}  // namespace

extern const VerbEntry kMonitorVerb;
const VerbEntry kMonitorVerb = {
    "monitor",
    "Watch devices: rates, buffers, and who holds them",
    "grabfs-cli monitor\n"
    "grabfs-cli monitor cam0 -i 0.2\n"
    "grabfs-cli monitor --once\n"
    "grabfs-cli monitor --json | jq -c '{device, frames_per_s, buffers}'",
    &MakeVerb<MonitorVerb>,
};

}  // namespace grabfs::cli
