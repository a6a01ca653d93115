// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "fusefs/base/device_name.h"
#include "fusefs/base/memory_limit.h"
#include "fusefs/base/version.h"
#include "fusefs/command/help.h"
#include "fusefs/fuse/libfuse_version.h"
#include "fusefs/main/mount_options.h"
#include "fusefs/main/numbers.h"
#include "fusefs/source/loadable.h"
#include "fusefs/source/source.h"

namespace grabfs {
namespace {

// Defaults for alloc/: the share of the machine's memory, and the number of files of each user.
constexpr uint64_t kUserShare = 4;
constexpr uint64_t kTotalShare = 2;
constexpr uint64_t kUserFiles = 1024;

constexpr char kMountHelperName[] = "mount.fuse.grabfs";
constexpr char kDescription[] =
    "Mounts the frame buffers of capture devices as files.\n"
    "\n"
    "  grabfs /mnt/grabfs                                  every grabdma device, else a test "
    "picture\n"
    "  grabfs --device cam0=pattern,width=1920,height=1080,rate=60 /mnt/grabfs\n"
    "  grabfs --device clip=replay:clip.y4m,state=streaming /mnt/grabfs\n"
    "  grabfs --device cam0=v4l2:/dev/video0,format=YUYV,width=640 /mnt/grabfs\n"
    "  grabfs --device door=exec:/usr/local/bin/door /mnt/grabfs    a program that writes Y4M\n"
    "  grabfs --device ind0=aravis: /mnt/grabfs     the first GigE Vision or USB3 Vision camera\n"
    "\n"
    "SOURCE is pattern, replay:FILE, grabdma:/dev/grabdmaN, v4l2:/dev/videoN, exec:PROGRAM or\n"
    "aravis:CAMERA (package grabfs-aravis), for output display:FILE; keys are width, height, "
    "format, rate, buffers, memory, policy, state,\n"
    "announce, and what a source adds. Then look into MOUNTPOINT, or run grabfs-cli.";

// Takes a key out of the options of a source spec.
std::optional<std::string> Take(std::map<std::string, std::string>& options, const char* key) {
  auto node = options.extract(key);
  if (!node) return std::nullopt;
  return node.mapped();
}

std::string ResolveMountpoint(const std::string& path) {
  if (path.empty()) throw Error(EINVAL, "the mount point is an empty word");
  std::error_code error;
  const auto resolved = std::filesystem::canonical(path, error);
  // A dead mount cannot be resolved; a later check reports it by this name.
  return error ? std::filesystem::absolute(path).lexically_normal().string() : resolved.string();
}

// The first field of fstab: "none", "grabfs", or devices separated by semicolons.
std::vector<std::string> ParseMountHelperSpec(const std::string& spec) {
  if (spec.find('=') == std::string::npos) return {};
  return Split(spec, ';');
}

bool IsMountHelper(const char* program) {
  return std::filesystem::path(program).filename() == kMountHelperName;
}

// The command line, split into its options but not yet interpreted.
struct Words {
  std::vector<std::string> devices;
  std::vector<std::string> mount_options;
  std::vector<std::string> positionals;
  std::string ignored;
  std::string source_path;
  bool foreground = false;
  bool syslog = false;
  bool version = false;
  bool list_cameras = false;
  bool unused = false;
};

std::string MountOptionNames() {
  std::string names;
  for (const MountOption& option : MountOptions()) {
    if (option.apply != nullptr) names += std::string(option.name) + ", ";
  }
  return names + "allow_other, ro, ... (see mount.fuse3(8))";
}

// Options that mount(8) passes to every helper.
void AcceptHelperOptions(CLI::App& app, Words& words) {
  for (const char* flag : {"-s", "-n", "-v"}) {
    app.add_flag(flag, words.unused, "accepted for mount(8)");
  }
  app.add_option("-t", words.ignored, "accepted for mount(8)");
  app.add_option("-N", words.ignored, "accepted for mount(8)");
}

// The parser holds references to `words`.
std::unique_ptr<CLI::App> MakeParser(Words& words, bool helper) {
  auto app = std::make_unique<CLI::App>(kDescription, helper ? kMountHelperName : "grabfs");
  app->set_help_flag("-h,--help", "print this help and exit");
  app->add_option("--device", words.devices, "NAME=SOURCE[,key=value...]; may be given again")
      ->type_name("SPEC")
      ->allow_extra_args(false)
      ->take_all();
  app->add_option("-o", words.mount_options, MountOptionNames())
      ->type_name("OPTIONS")
      ->allow_extra_args(false)
      ->take_all();
  app->add_option("--source-path", words.source_path,
                  "where sources of packages of their own are (source-KIND.so)")
      ->type_name("DIRECTORY")
      ->allow_extra_args(false);
  app->add_flag("-f,--foreground", words.foreground, "stay in the foreground");
  app->add_flag("--syslog", words.syslog, "log to syslog even in the foreground");
  app->add_flag("--list-cameras", words.list_cameras,
                "print the cameras that are there, and what to write behind NAME=, and exit");
  app->add_flag("--version", words.version, "print the version and exit");
  app->add_option("arguments", words.positionals, "where the files are to appear")
      ->type_name(helper ? "SPEC MOUNTPOINT" : "MOUNTPOINT");
  if (helper) AcceptHelperOptions(*app, words);
  return app;
}

void CheckPositionals(const std::vector<std::string>& positionals, size_t expected) {
  if (positionals.size() == expected) return;
  throw UsageExit{kExitUsage, positionals.size() < expected
                                  ? "grabfs: no mount point given (see grabfs --help)\n"
                                  : "grabfs: too many arguments: '" + positionals.back() +
                                        "' (see grabfs --help)\n"};
}

DaemonOptions Understand(const Words& words) {
  DaemonOptions options;
  options.foreground = words.foreground;
  options.syslog = words.syslog;
  options.file_system.uid = getuid();
  options.file_system.gid = getgid();
  options.file_system.alloc_limits = {.user_bytes = MachineMemory() / kUserShare,
                                      .total_bytes = MachineMemory() / kTotalShare,
                                      .user_files = kUserFiles};
  for (const auto& device : words.devices) {
    options.devices.push_back(ParseDeviceOption(device));
    options.devices.back().source.source_path = words.source_path;
  }
  options.mountpoint = ResolveMountpoint(words.positionals.back());
  options.file_system.mountpoint = options.mountpoint;
  options.mount_options = "fsname=grabfs,subtype=grabfs,default_permissions";
  for (const auto& text : words.mount_options) ApplyMountOptions(text, options);
  return options;
}

// The program and what is compiled into it.
std::string VersionText() {
  std::string text = VersionLine("grabfs") + "sources:";
  for (const std::string& usage : SourceUsages()) {
    text += ' ' + usage.substr(0, usage.find(':'));
  }
  return text + "\nlibfuse " + LibfuseVersion() + '\n';
}

}  // namespace

DeviceOption ParseDeviceOption(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) {
    throw Error(EINVAL, "--device " + text + ": write NAME=SOURCE[,key=value...]");
  }
  DeviceOption device;
  device.config.name = text.substr(0, equals);
  ValidateDeviceName(device.config.name);
  device.source = ParseSourceSpec(text.substr(equals + 1));
  MakePathAbsolute(device.source);
  auto& options = device.source.options;
  if (const auto buffers = Take(options, "buffers")) {
    device.config.buffers = ParseUint("buffers", *buffers, 10);
  }
  if (const auto name = Take(options, "policy")) {
    device.config.policy = ParsePolicy(*name);
  }
  if (const auto hotplug = Take(options, "hotplug")) {
    if (*hotplug != "0" && *hotplug != "1") {
      throw Error(EINVAL, "hotplug '" + *hotplug + "': use 0 or 1");
    }
    device.may_be_absent = *hotplug == "1";
    if (device.may_be_absent && !IsLoadable(device.source)) {
      throw Error(EINVAL, "hotplug: " + device.source.kind +
                              " is none of the cameras that are looked for (aravis)");
    }
  }
  if (const auto announce = Take(options, "announce")) {
    if (*announce != "0" && *announce != "1") {
      throw Error(EINVAL, "announce '" + *announce + "': use 0 or 1");
    }
    device.config.announce = *announce == "1";
  }
  if (const auto state = Take(options, "state")) {
    if (*state != "stopped" && *state != "streaming") {
      throw Error(EINVAL, "state '" + *state + "': use stopped or streaming");
    }
    device.config.start = *state == "streaming";
  }
  return device;
}

Command DescribeOptions() {
  Words words;
  return DescribeCommand(*MakeParser(words, /*helper=*/false));
}

DaemonOptions ParseOptions(int argc, const char* const* argv) {
  const bool helper = IsMountHelper(argv[0]);
  Words words;
  const std::unique_ptr<CLI::App> app = MakeParser(words, helper);
  try {
    app->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) throw UsageExit{0, Help(DescribeCommand(*app))};
    throw UsageExit{kExitUsage, std::string("grabfs: ") + error.what() + " (see grabfs --help)\n"};
  }
  if (words.version) throw UsageExit{0, VersionText()};
  if (words.list_cameras) {
    DaemonOptions options;
    options.list_cameras = true;
    options.source_path = words.source_path;
    return options;
  }
  CheckPositionals(words.positionals, helper ? 2 : 1);
  if (helper) {
    for (auto& spec : ParseMountHelperSpec(words.positionals.front())) {
      words.devices.push_back(std::move(spec));
    }
  }
  return Understand(words);
}

}  // namespace grabfs
