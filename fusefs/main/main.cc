// SPDX-License-Identifier: Apache-2.0
//
// grabfs: the daemon. Puts the rooms together: options, devices, the tree, the mount.
#include <sys/resource.h>

#include <cerrno>
#include <iostream>
#include <memory>
#include <utility>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/log.h"
#include "fusefs/base/memory_limit.h"
#include "fusefs/capture/device.h"
#include "fusefs/fuse/session.h"
#include "fusefs/main/daemonize.h"
#include "fusefs/main/mount_check.h"
#include "fusefs/main/options.h"
#include "fusefs/source/source.h"

namespace grabfs {
namespace {

constexpr char kDefaultDevice[] = "sim0=pattern";

std::unique_ptr<Source> MakeSourceOf(DeviceOption& option) {
  auto source = MakeSource(option.source);
  if (option.source.options.empty()) return source;
  throw Error(EINVAL, "device " + option.config.name + ": unknown key '" +
                          option.source.options.begin()->first + "' for source " +
                          option.source.kind);
}

// All sources first: nothing is allocated unless everything can be.
std::vector<std::unique_ptr<Device>> MakeDevices(std::vector<DeviceOption> options) {
  if (options.empty()) options.push_back(ParseDeviceOption(kDefaultDevice));
  std::vector<std::unique_ptr<Source>> sources;
  uint64_t total_bytes = 0;
  for (auto& option : options) {
    sources.push_back(MakeSourceOf(option));
    const uint64_t bytes = sources.back()->format().bytes;
    CheckMemoryAvailable(option.config.buffers, bytes);
    total_bytes += option.config.buffers * bytes;
  }
  CheckMemoryAvailable(1, total_bytes);
  std::vector<std::unique_ptr<Device>> devices;
  for (size_t i = 0; i < options.size(); ++i) {
    devices.push_back(std::make_unique<Device>(options[i].config, std::move(sources[i])));
  }
  return devices;
}

// Each buffer takes two descriptors and each open passed-through file none, so only the number of
// buffers counts: take what the administrator allows.
void RaiseFileLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

void Serve(const DaemonOptions& options) {
  RaiseFileLimit();
  CheckMountpoint(options.mountpoint);
  Background background = options.foreground ? Background() : Background::Enter();
  if (options.syslog) InitLog(LogTarget::kSyslog);
  FileSystem file_system(options.file_system, MakeDevices(options.devices));
  Session session({.mountpoint = options.mountpoint,
                   .mount_options = options.mount_options,
                   .passthrough = options.passthrough},
                  &file_system);
  session.Run([&](const DataPath& path) {
    if (!options.foreground) InitLog(LogTarget::kSyslog);
    LogInfo("mounted on " + options.mountpoint + ", data path " +
            (path.passthrough ? "passthrough: " : "cached: ") + path.reason);
    background.Ready();
  });
  LogInfo("unmounted " + options.mountpoint);
}

int Main(int argc, char** argv) {
  try {
    Serve(ParseOptions(argc, argv));
    return 0;
  } catch (const UsageExit& usage) {
    (usage.status == 0 ? std::cout : std::cerr) << usage.text;
    return usage.status;
  } catch (const Error& error) {
    LogError(error.what());
    return error.code() == EINVAL ? kExitUsage : kExitFailed;
  } catch (const std::exception& error) {
    LogError(error.what());
    return kExitFailed;
  }
}

}  // namespace
}  // namespace grabfs

int main(int argc, char** argv) { return grabfs::Main(argc, argv); }
