// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli stats: counters of devices, and how fast they grow.
#include <chrono>
#include <nlohmann/json.hpp>
#include <ostream>
#include <thread>

#include "cli/base/table.h"
#include "cli/base/text.h"
#include "cli/command/target.h"
#include "cli/command/verb.h"
#include "cli/watch/device_rates.h"

namespace grabfs::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct DeviceSample {
  Device device;
  DeviceStatus status;
};

struct Sample {
  Clock::time_point when;
  std::vector<DeviceSample> devices;
};

Sample SampleOf(const std::vector<ExaminedMount>& mounts) {
  Sample sample = {Clock::now(), {}};
  for (const ExaminedMount& mount : mounts) {
    for (const DeviceStatus& status : mount.status.devices) {
      sample.devices.push_back({Device(mount.mount.mountpoint, status.name), status});
    }
  }
  return sample;
}

// Since the sample before, if the device was in it.
DeviceRates RatesOf(const DeviceSample& now, const Sample& before, double seconds) {
  for (const DeviceSample& earlier : before.devices) {
    if (earlier.device.directory() != now.device.directory()) continue;
    return Compare(earlier.status, now.status, seconds);
  }
  return {};
}

class StatsVerb : public Verb {
 public:
  void Declare(Options& options) override {
    target_.DeclareDevices(options);
    options.Seconds("-i,--interval", interval_, "Between two looks (default 1)");
    options.Count("-n,--count", count_, "N", "How many intervals (default 1); 0: for ever");
    options.Flag("--json", json_, "One object a line for each device and interval");
  }

  ExitCode Run(Context& context) override {
    if (interval_ && *interval_ <= 0) throw UsageError("stats: the interval must be above 0");
    const uint64_t count = count_.value_or(1);
    Sample before = SampleOf(target_.MountsToWatch(context));
    for (uint64_t i = 0; count == 0 || i < count; ++i) {
      std::this_thread::sleep_for(std::chrono::duration<double>(interval_.value_or(1)));
      Sample after = SampleOf(target_.MountsToWatch(context));
      Print(context, before, after);
      before = std::move(after);
    }
    return ExitCode::kDone;
  }

 private:
  void Print(Context& context, const Sample& before, const Sample& after) {
    const double seconds = std::chrono::duration<double>(after.when - before.when).count();
    std::vector<Device> devices;
    for (const DeviceSample& sample : after.devices) devices.push_back(sample.device);
    for (const DeviceSample& sample : after.devices) {
      const DeviceRates rates = RatesOf(sample, before, seconds);
      if (json_) {
        PrintJson(context, sample.device, sample.status, rates, seconds);
      } else {
        AddRow(sample.device.NameAmong(devices), sample.status, rates);
      }
    }
    if (!json_) table_.Print(context.out);
    context.out.flush();
  }

  static void PrintJson(Context& context, const Device& device, const DeviceStatus& d,
                        const DeviceRates& rates, double seconds) {
    const auto& c = d.counters;
    const nlohmann::ordered_json object = {
        {"mount", device.directory().parent_path().string()},
        {"device", d.name},
        {"state", d.state},
        {"interval_s", seconds},
        {"frames_per_s", rates.frames},
        {"dropped_per_s", rates.dropped},
        {"bytes_per_s", rates.bytes},
        {"captured", c.captured},
        {"delivered", c.delivered},
        {"recycled", c.recycled},
        {"dropped", c.dropped},
        {"failed", c.failed},
        {"present", c.present},
        {"held", d.buffers.held},
        {"aside", d.buffers.aside},
    };
    context.out << object.dump() << '\n';
  }

  void AddRow(const std::string& label, const DeviceStatus& d, const DeviceRates& rates) {
    const auto& c = d.counters;
    table_.AddRow({label, d.state, Decimal(rates.frames, 1), Decimal(rates.dropped, 1),
                   Decimal(rates.bytes / 1e6, 1), std::to_string(c.captured),
                   std::to_string(c.delivered), std::to_string(c.recycled),
                   std::to_string(c.dropped), std::to_string(c.failed), std::to_string(c.present),
                   std::to_string(d.buffers.held), std::to_string(d.buffers.aside)});
  }

  Target target_;
  std::optional<double> interval_;
  std::optional<uint64_t> count_;
  bool json_ = false;
  Table table_{{{"DEVICE"},
                {"STATE    "},
                {"FRAMES/S", Table::Align::kRight},
                {"DROPS/S", Table::Align::kRight},
                {"  MB/S", Table::Align::kRight},
                {"CAPTURED", Table::Align::kRight},
                {"DELIVERED", Table::Align::kRight},
                {"RECYCLED", Table::Align::kRight},
                {"DROPPED", Table::Align::kRight},
                {"FAILED", Table::Align::kRight},
                {"PRESENT", Table::Align::kRight},
                {"HELD", Table::Align::kRight},
                {"ASIDE", Table::Align::kRight}}};
};

}  // namespace

extern const VerbEntry kStatsVerb;
const VerbEntry kStatsVerb = {
    "stats",
    "Show counters and rates of devices",
    "grabfs-cli stats\n"
    "grabfs-cli stats cam0 -i 0.5 -n 0\n"
    "grabfs-cli stats --json | jq .frames_per_s",
    &MakeVerb<StatsVerb>,
};

}  // namespace grabfs::cli
