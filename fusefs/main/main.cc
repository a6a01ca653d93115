// SPDX-License-Identifier: Apache-2.0
//
// grabfs: the daemon. Connects the parts: options, devices, the file system, the session.
#include <cerrno>
#include <iostream>
#include <memory>
#include <utility>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/file_limit.h"
#include "fusefs/base/log.h"
#include "fusefs/fuse/announcer.h"
#include "fusefs/fuse/sentinel.h"
#include "fusefs/fuse/session.h"
#include "fusefs/main/cameras.h"
#include "fusefs/main/complete.h"
#include "fusefs/main/daemonize.h"
#include "fusefs/main/devices.h"
#include "fusefs/main/hotplug.h"
#include "fusefs/main/mount_check.h"
#include "fusefs/main/options.h"
#include "fusefs/main/remount.h"
#include "fusefs/source/exec/keeper.h"

namespace grabfs {
namespace {

constexpr char kDefaultDevice[] = "sim0=pattern";

void Serve(DaemonOptions options) {
  if (options.list_cameras) {
    std::cout << ListCameras(options.source_path);
    return;
  }
  if (options.remount) return Remount(options.mountpoint, options.file_system.options);
  RaiseFileLimit();  // each buffer takes two descriptors; open files of clients take none
  CheckMountpoint(options.mountpoint);
  Background background = options.foreground ? Background() : Background::Enter();
  if (options.syslog) InitLog(LogTarget::kSyslog);
  FileSystem file_system(options.file_system, MakeDevices(options.devices));
  HotPlug hot_plug(options.devices, &file_system);
  if (options.devices.empty() && hot_plug.AddPresent() == 0) {
    file_system.AddDevice(MakeDevice(ParseDeviceOption(kDefaultDevice)));
  }
  Session session({.mountpoint = options.mountpoint,
                   .mount_options = options.mount_options,
                   .passthrough = options.passthrough,
                   .handles = options.handles},
                  &file_system);
  hot_plug.Start();
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

int main(int argc, char** argv) {
  if (grabfs::Sentinel::IsSentinel(argc, argv)) return grabfs::Sentinel::Main(argv);
  if (grabfs::Keeper::IsKeeper(argc, argv)) return grabfs::Keeper::Main(argv);
  if (grabfs::Announcer::IsAnnouncer(argc, argv)) return grabfs::Announcer::Main(argv);
  if (argc > 1 && argv[1] == grabfs::kCompleteOption) {
    grabfs::Print(std::cout, grabfs::CompleteDaemon({argv + 2, argv + argc}));
    return 0;
  }
  return grabfs::Main(argc, argv);
}
