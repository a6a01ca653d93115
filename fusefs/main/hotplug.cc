// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/hotplug.h"

#include <cerrno>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/base/log.h"
#include "fusefs/main/devices.h"
#include "fusefs/source/grabdma/grabdma.h"
#include "fusefs/source/v4l2/identity.h"

namespace grabfs {
namespace {

using Answer = NodeWatch::Answer;

constexpr char kDevices[] = "/dev";

NodeIdentity GrabdmaIdentity(const std::string& node) {
  return {.place = GrabdmaBus(node), .serial = {}};
}

bool Vanished(const Error& error) { return error.code() == ENOENT || error.code() == ENODEV; }
// EACCES may be temporary: udev is about to give the node its group.
bool Forbidden(const Error& error) { return error.code() == EACCES || error.code() == EPERM; }

std::unique_ptr<NodeWatch> WatchDevices(const std::string& prefix) {
  try {
    return std::make_unique<NodeWatch>(kDevices, prefix);
  } catch (const Error& error) {
    LogWarning(std::string("devices that are plugged in later will not appear: ") + error.what());
    return nullptr;
  }
}

}  // namespace

HotPlug::Kind::Kind(KnownDevices known_devices, std::string prefix, FileSystem* file_system)
    : known_devices_(std::move(known_devices)),
      prefix_(std::move(prefix)),
      file_system_(file_system),
      watch_(known_devices_.expects_devices() ? WatchDevices(prefix_) : nullptr) {}

size_t HotPlug::Kind::AddPresent() {
  if (!known_devices_.expects_devices()) return 0;
  size_t count = 0;
  for (const auto& [number, node] : ListNodes(kDevices, prefix_)) {
    try {
      auto option = OptionFor(node);
      if (!option || file_system_->HasDevice(option->config.name)) continue;
      file_system_->AddDevice(MakeDevice(std::move(*option)));
      ++count;
    } catch (const Error& error) {
      LogWarning(error.what());
      if (watch_ && Forbidden(error)) watch_->Expect(node);
    }
  }
  return count;
}

std::optional<DeviceOption> HotPlug::Kind::OptionFor(const std::string& node) {
  return known_devices_.OptionFor(
      node, [this](const std::string& name) { return file_system_->HasDevice(name); });
}

void HotPlug::Kind::Start() {
  if (watch_) watch_->Start([this](const auto& node, bool last) { return OnNode(node, last); });
}

NodeWatch::Answer HotPlug::Kind::OnNode(const std::string& node, bool last) {
  try {
    auto option = OptionFor(node);
    if (!option) return Answer::kDone;
    const std::string name = option->config.name;
    // The unplugged device of this name may not have noticed yet that it is gone.
    if (file_system_->HasDevice(name)) return Answer::kLater;
    file_system_->AddDevice(MakeDevice(std::move(*option)));
    LogInfo(name + ": plugged in as " + node);
    return Answer::kDone;
  } catch (const Error& error) {
    if (Vanished(error)) return Answer::kDone;
    if (Forbidden(error) && !last) return Answer::kLater;
    LogWarning(error.what());
    return Forbidden(error) ? Answer::kLater : Answer::kDone;
  }
}

HotPlug::HotPlug(const std::vector<DeviceOption>& named, FileSystem* file_system)
    : returning_(named, file_system) {
  kinds_.push_back(std::make_unique<Kind>(
      KnownDevices("grabdma", named, named.empty(), GrabdmaIdentity), "grabdma", file_system));
  // Cameras are added only if the command line names them: others may belong to other programs.
  kinds_.push_back(std::make_unique<Kind>(KnownDevices("v4l2", named, false, V4l2Identity), "video",
                                          file_system));
}

size_t HotPlug::AddPresent() {
  size_t count = 0;
  for (const auto& kind : kinds_) count += kind->AddPresent();
  return count;
}

void HotPlug::Start() {
  for (const auto& kind : kinds_) kind->Start();
  returning_.Start();
}

}  // namespace grabfs
