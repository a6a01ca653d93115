// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli monitor: what a mount is doing, live.
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

// Looks at a mount again and again; each look is compared with the one before.
class Watch {
 public:
  Watch(const Context& context, Mount mount, std::string device)
      : system_(context.system), mount_(std::move(mount)), device_(std::move(device)) {
    if (!device_.empty()) (void)mount_.FindDevice(device_);
    Look();
  }

  MonitoredMount Look() {
    const Clock::time_point now = Clock::now();
    const double seconds = std::chrono::duration<double>(now - before_at_).count();
    MonitoredMount look = {mount_.root().string(), {}};
    std::map<std::string, DeviceStatus> seen;
    for (const DeviceStatus& status : mount_.Status().devices) {
      if (!device_.empty() && status.name != device_) continue;
      const auto before = before_.find(status.name);
      const DeviceRates rates =
          before == before_.end() ? DeviceRates() : Compare(before->second, status, seconds);
      look.devices.push_back({status, rates, {}});
      seen[status.name] = status;
    }
    before_ = std::move(seen);
    before_at_ = now;
    AddUsers(look);
    return look;
  }

 private:
  void AddUsers(MonitoredMount& look) const {
    const auto mounts = GrabfsMounts(system_);
    const auto mount = std::ranges::find(mounts, look.mountpoint, &MountInfo::mountpoint);
    if (mount == mounts.end()) return;
    const std::vector<FileUser> users = FindFileUsers(system_, *mount);
    for (MonitoredDevice& device : look.devices) {
      for (const FileUser& user : users) {
        if (const auto part = WithinDirectory(user, device.status.name)) {
          device.users.push_back(*part);
        }
      }
    }
  }

  const SystemPaths system_;
  const Mount mount_;
  const std::string device_;
  std::map<std::string, DeviceStatus> before_;
  Clock::time_point before_at_;
};

class MonitorVerb : public Verb {
 public:
  void Declare(Options& options) override {
    target_.DeclareDevice(options);
    options.Seconds("-i,--interval", interval_, "Between two looks (default 1)");
    options.Flag("--once", once_, "One look as text, over one interval");
    options.Flag("--json", json_, "One object a line for each device and interval");
  }

  ExitCode Run(Context& context) override {
    if (interval_ && *interval_ <= 0) throw UsageError("monitor: the interval must be above 0");
    Watch watch(context, target_.FindMount(context), target_.device());
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
      const MonitoredMount look = watch.Look();
      if (json_) {
        for (const MonitoredDevice& device : look.devices) {
          context.out << ToJson(device).dump() << '\n';
        }
      } else {
        for (const std::string& line : RenderMonitor(look, kPageWidth)) context.out << line << '\n';
      }
      if (!context.out.flush()) return;
    } while (!once_ && !StopSignals::came());
  }

  void Show(Watch& watch) const {
    Screen screen;
    size_t first = 0;
    MonitoredMount look = watch.Look();
    Clock::time_point next = Clock::now();
    while (!StopSignals::came()) {
      if (Clock::now() >= next) {
        look = watch.Look();
        next = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                  std::chrono::duration<double>(interval()));
      }
      std::vector<std::string> lines = RenderMonitor(look, screen.width());
      const size_t page = screen.height() - 1;
      first = std::min(first, lines.size() - std::min(lines.size(), page));
      lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(first));
      const bool more = lines.size() > page;
      lines.resize(page);
      lines.emplace_back(more || first > 0 ? "q ends, up and down move" : "q ends");
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
