// SPDX-License-Identifier: Apache-2.0
//
// Writes to the attribute files of a capturing device, one a line (NAME VALUE): each is carried out
// or refused with a reason, and afterwards the device still works, takes what it prints, and says
// of itself what grabfs-cli understands.
#include "fusefs/vfs/attributes.h"

#include <future>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/mount/status.h"
#include "fusefs/capture/device.h"
#include "fusefs/vfs/status.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/small_source.h"

namespace grabfs::fuzz {
namespace {

constexpr size_t kMaxCommands = 32;

class Deaf : public DeviceObserver {
 public:
  void OnFrameGone(const Device& /*device*/, uint64_t /*sequence*/, uint32_t /*notes*/) override {}
  void OnPoolReplaced(const Device& /*device*/, Pool& /*old*/,
                      std::span<const uint64_t> /*sequences*/) override {}
  void OnUndecided(const Device& /*device*/, Pool& /*pool*/, uint32_t /*slot*/) override {}
  void OnRefilled(const Device& /*device*/, Pool& /*pool*/, uint32_t /*slot*/) override {}
  void OnFillEnded(const Device& /*device*/, Pool& /*pool*/, uint32_t /*slot*/) override {}
  void OnRecheckNeeded(const Device& /*device*/) override {}
  void OnRenewed(const Device& /*device*/, Pool& /*pool*/, uint32_t /*slot*/) override {}
  void OnUnplugged(const Device& /*device*/) override {}
};

// What the writer of the file gets: 0 or an errno.
int Write(Device& device, const Attribute& attribute, std::string_view text) {
  std::promise<int> result;
  WriteAttribute(attribute, device, text, [&result](const Error* error) {
    Require(error == nullptr || error->what()[0] != '\0');
    result.set_value(error == nullptr ? 0 : error->code());
  });
  return result.get_future().get();
}

void RequireSensibleStatus(const Device& device) {
  const auto json = nlohmann::json::parse(Print(ReportOf(device, DataPath())));
  const cli::DeviceStatus status = cli::ParseDeviceStatus(json, "status.json");
  Require(status.bytes > 0 && status.buffers.count > 0);
}

// Some attributes are there for the sake of one tree for all devices, and refuse on others.
bool IsFor(const Attribute& attribute, const Device& device) {
  if (attribute.name == "announce") return !device.output();
  return attribute.name != "writeback_ms" || device.output();
}

void Carry(Device& device, std::string_view command) {
  const Attribute* const attribute = FindAttribute(TakeUntil(command, ' '));
  if (attribute == nullptr || attribute->write == nullptr) return;
  const int code = Write(device, *attribute, command);
  Require(code == 0 || code == EINVAL || code == EBUSY || code == ENOMEM ||
          (code == EOPNOTSUPP && !IsFor(*attribute, device)));
  RequireSensibleStatus(device);
}

void RequireThatItTakesWhatItPrints(Device& device) {
  Require(Write(device, *FindAttribute("state"), "stop") == 0);
  for (const Attribute& attribute : Attributes()) {
    if (attribute.write == nullptr || attribute.name == "trigger") continue;
    if (!IsFor(attribute, device)) continue;
    const std::string printed = PrintAttribute(attribute, device);
    Require(Write(device, attribute, printed) == 0);
    Require(PrintAttribute(attribute, device) == printed);
  }
}

void Check(const std::vector<std::string>& commands) {
  Deaf observer;
  Device device({.name = "sim0", .buffers = 3}, std::make_unique<SmallSource>());
  device.Run(&observer);
  for (const std::string& command : commands) Carry(device, command);
  RequireThatItTakesWhatItPrints(device);
}

}  // namespace
}  // namespace grabfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  grabfs::fuzz::Check(
      grabfs::fuzz::Lines(grabfs::fuzz::TextOf(data, size), grabfs::fuzz::kMaxCommands));
  return 0;
}
