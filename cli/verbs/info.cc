// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli info: everything that a device says about itself.
#include <iomanip>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/base/text.h"
#include "cli/command/target.h"
#include "cli/command/verb.h"

namespace grabfs::cli {
namespace {

constexpr int kLabelWidth = 12;

std::string DescribeFrames(const DeviceStatus& d) {
  if (!d.sequence.oldest || !d.sequence.newest) return "none yet";
  return std::to_string(d.counters.present) + ", " + std::to_string(*d.sequence.oldest) + " to " +
         std::to_string(*d.sequence.newest);
}

std::string DescribeFormat(const DeviceStatus& d) {
  return d.format + " " + std::to_string(d.width) + "x" + std::to_string(d.height) + ", stride " +
         std::to_string(d.stride) + ", " + HumanBytes(d.bytes) + " a frame";
}

std::string DescribeBuffers(const DeviceStatus& d) {
  return std::to_string(d.buffers.count) + ": " + std::to_string(d.buffers.free) + " free, " +
         std::to_string(d.buffers.filling) + " filling, " + std::to_string(d.buffers.ready) +
         " ready, " + std::to_string(d.buffers.held) + " held, " +
         std::to_string(d.buffers.renewing) + " getting new pages, " +
         std::to_string(d.buffers.aside) + " put aside";
}

std::string DescribeCounters(const DeviceStatus& d) {
  const auto& c = d.counters;
  return std::to_string(c.captured) + " captured = " + std::to_string(c.delivered) +
         " delivered + " + std::to_string(c.recycled) + " recycled + " + std::to_string(c.dropped) +
         " dropped + " + std::to_string(c.failed) + " failed + " + std::to_string(c.present) +
         " present";
}

std::string DescribeMemory(const DeviceStatus& d) {
  const std::string bytes = HumanBytes(d.memory.bytes);
  if (!d.memory.huge_page_bytes) return bytes;
  return bytes + ", " + HumanBytes(*d.memory.huge_page_bytes) + " of it in 2 MiB pages";
}

std::string DescribeRate(const DeviceStatus& d) {
  return d.rate == "0" ? "as fast as possible" : d.rate + " frames/s";
}

class InfoVerb : public Verb {
 public:
  void Declare(Options& options) override {
    target_.DeclareDevice(options);
    options.Flag("--json", json_, "The device's status.json");
  }

  ExitCode Run(Context& context) override {
    const Device device = target_.FindDevice(context);
    if (json_) {
      context.out << device.StatusJson().dump(2) << '\n';
    } else {
      Print(context, device);
    }
    return ExitCode::kDone;
  }

 private:
  static void Print(Context& context, const Device& device) {
    const DeviceStatus d = device.Status();
    const auto line = [&](const std::string& label, const std::string& value) {
      context.out << std::left << std::setw(kLabelWidth) << label << value << '\n';
    };
    line("device", d.name + " in " + device.directory().parent_path().string());
    line("source", d.source);
    line("state", d.state + (d.trigger > 0 ? ", " + Plural(d.trigger, "frame") + " due" : ""));
    line("format", DescribeFormat(d));
    line("rate", DescribeRate(d));
    line("policy", d.policy);
    line("buffers", DescribeBuffers(d));
    line("frames", DescribeFrames(d));
    line("counters", DescribeCounters(d));
    line("memory", DescribeMemory(d));
    line("data path", d.data_path + ": " + d.data_path_reason);
    for (const auto& [key, value] : d.settings) line("setting", key + "=" + value);
    if (!d.last_error.empty()) line("last error", DescribeLastError(d));
  }

  Target target_;
  bool json_ = false;
};

}  // namespace

extern const VerbEntry kInfoVerb;
const VerbEntry kInfoVerb = {
    "info",
    "Show everything about a device",
    "grabfs-cli info\n"
    "grabfs-cli info cam0 --json | jq .counters.dropped",
    &MakeVerb<InfoVerb>,
};

}  // namespace grabfs::cli
