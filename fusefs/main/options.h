// SPDX-License-Identifier: Apache-2.0
//
// The command line of the daemon, in both of its forms: `grabfs [options] MOUNTPOINT` and, as the
// helper of mount(8), `mount.fuse.grabfs SPEC MOUNTPOINT -o options`.
#pragma once

#include <string>
#include <vector>

#include "fusefs/capture/device.h"
#include "fusefs/command/command.h"
#include "fusefs/source/source.h"
#include "fusefs/vfs/file_system.h"

namespace grabfs {

struct DeviceOption {
  Device::Config config;
  SourceSpec source;
  // It need not be there when the daemon starts.
  bool may_be_absent = false;
};

struct DaemonOptions {
  std::vector<DeviceOption> devices;  // as given; empty: the defaults
  std::string mountpoint;             // absolute, symbolic links resolved
  std::string mount_options;          // for libfuse and mount(2)
  FileSystem::Options file_system;
  bool passthrough = true;
  bool handles = false;  // file handles, with passthrough too
  bool remount = false;  // of what is mounted already: see Remount()
  bool foreground = false;
  bool syslog = false;
  // Print the cameras that there are, and mount nothing.
  bool list_cameras = false;
  std::string source_path;  // for that
};

// Thrown by ParseOptions() if the program shall print a text and exit (--help, --version, a mistake
// on the command line).
struct UsageExit {
  int status;
  std::string text;
};

// Exit statuses, with the same values as those of grabfs-cli.
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

// Throws UsageExit; Error(EINVAL) for impossible values.
DaemonOptions ParseOptions(int argc, const char* const* argv);

// The command line of `grabfs`.
Command DescribeOptions();

// NAME=SOURCE[,key=value...]. Throws Error(EINVAL).
DeviceOption ParseDeviceOption(const std::string& text);

}  // namespace grabfs
