// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/options.h"

#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>
#include <sstream>
#include <utility>

#include "fusefs/base/memory_limit.h"
#include "fusefs/base/version.h"
#include "fusefs/capture/device_name.h"

namespace grabfs {
namespace {

// What alloc/ may take without options: of the machine's memory, and files of each user.
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
    "\n"
    "SOURCE is pattern, replay:FILE or grabdma:/dev/grabdmaN, for output display:FILE; keys are\n"
    "width, height, format, rate, buffers, policy, state, and what a source adds. Then look into\n"
    "MOUNTPOINT, or run grabfs-cli.";

uint32_t ParseUint(const std::string& what, const std::string& text, int base) {
  uint32_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value, base);
  if (text.empty() || status != std::errc() || stop != end) {
    throw Error(EINVAL, what + " '" + text + "' is not a number");
  }
  return value;
}

mode_t ParseMode(const std::string& what, const std::string& text, mode_t max) {
  const mode_t mode = ParseUint(what + " (octal)", text, 8);
  if (mode <= max) return mode;
  std::ostringstream limit;
  limit << std::oct << max;
  throw Error(EINVAL, what + "=" + text + ": must be at most " + limit.str());
}

// "64M", "2G", "25%" of the machine's memory.
uint64_t ParseBytes(const std::string& what, const std::string& text) {
  constexpr std::string_view kUnits = "KMGT";
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value);
  const std::string_view unit(stop, static_cast<size_t>(end - stop));
  if (status == std::errc() && unit == "%" && value <= 100) return MachineMemory() / 100 * value;
  const size_t power = unit.empty() ? 0 : kUnits.find(unit) + 1;
  if (status != std::errc() || unit.size() > 1 || power > kUnits.size() ||
      value > UINT64_MAX >> (10 * power)) {
    throw Error(EINVAL, what + "=" + text +
                            ": write bytes, with K, M, G or T, or a percentage of "
                            "the machine's memory: 64M, 2G, 25%");
  }
  return value << (10 * power);
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

// Takes a key out of the options of a source spec.
std::optional<std::string> Take(std::map<std::string, std::string>& options, const char* key) {
  auto node = options.extract(key);
  if (!node) return std::nullopt;
  return node.mapped();
}

bool ParsePassthrough(const std::string& value) {
  if (value == "off") return false;
  if (value == "auto") return true;
  throw Error(EINVAL, "-o passthrough=" + value + ": use auto or off");
}

unsigned ParseHoldLimit(const std::string& value) {
  if (value.ends_with('%')) {
    const uint32_t percent = ParseUint("-o hold_limit", value.substr(0, value.size() - 1), 10);
    if (percent >= 1 && percent <= 100) return percent;
  }
  throw Error(EINVAL, "-o hold_limit=" + value +
                          ": write which part of a device's buffers one user may hold, from 1% to "
                          "100%");
}

// One word of -o: ours, or passed on.
void ApplyMountOption(const std::string& option, DaemonOptions& options) {
  const size_t equals = option.find('=');
  const std::string key = option.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : option.substr(equals + 1);
  if (key == "uid") {
    options.file_system.uid = ParseUint("-o uid", value, 10);
  } else if (key == "gid") {
    options.file_system.gid = ParseUint("-o gid", value, 10);
  } else if (key == "umask") {
    options.file_system.umask = ParseMode("-o umask", value, 0777);
  } else if (key == "alloc_mode") {
    options.file_system.alloc_mode = ParseMode("-o alloc_mode", value, 07777);
  } else if (key == "alloc_size") {
    options.file_system.alloc_limits.total_bytes = ParseBytes("-o alloc_size", value);
  } else if (key == "alloc_quota") {
    options.file_system.alloc_limits.user_bytes = ParseBytes("-o alloc_quota", value);
  } else if (key == "hold_limit") {
    options.file_system.hold_percent = ParseHoldLimit(value);
  } else if (key == "passthrough") {
    options.passthrough = ParsePassthrough(value);
  } else if (key == "auto" || key == "noauto" || key == "user" || key == "nofail" ||
             key == "_netdev" || key == "defaults" || key == "rw" || key.starts_with("x-")) {
    return;  // words for mount(8) and systemd
  } else {
    options.mount_options += "," + option;
  }
}

std::string ResolveMountpoint(const std::string& path) {
  if (path.empty()) throw Error(EINVAL, "the mount point is an empty word");
  std::error_code error;
  const auto resolved = std::filesystem::canonical(path, error);
  // A dead mount cannot be looked into, but its name is good enough to say so later.
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
  auto& options = device.source.options;
  if (const auto buffers = Take(options, "buffers")) {
    device.config.buffers = ParseUint("buffers", *buffers, 10);
  }
  if (const auto name = Take(options, "policy")) {
    const auto policy = ParsePolicy(*name);
    if (!policy) {
      throw Error(EINVAL, "policy '" + *name + "': use keep-newest or keep-oldest");
    }
    device.config.policy = *policy;
  }
  if (const auto state = Take(options, "state")) {
    if (*state != "stopped" && *state != "streaming") {
      throw Error(EINVAL, "state '" + *state + "': use stopped or streaming");
    }
    device.config.start = *state == "streaming";
  }
  return device;
}

DaemonOptions ParseOptions(int argc, const char* const* argv) {
  const bool helper = IsMountHelper(argv[0]);
  DaemonOptions options;
  options.file_system.uid = getuid();
  options.file_system.gid = getgid();
  options.file_system.alloc_limits = {.user_bytes = MachineMemory() / kUserShare,
                                      .total_bytes = MachineMemory() / kTotalShare,
                                      .user_files = kUserFiles};

  CLI::App app{kDescription, helper ? kMountHelperName : "grabfs"};
  std::vector<std::string> devices;
  std::vector<std::string> mount_options;
  std::vector<std::string> positionals;
  std::string ignored;
  bool version = false;
  bool unused = false;
  app.add_option("--device", devices, "NAME=SOURCE[,key=value...]; may be given again")
      ->type_name("SPEC")
      ->allow_extra_args(false)
      ->take_all();
  app.add_option("-o", mount_options,
                 "uid=,gid=,umask=,passthrough=auto|off,alloc_size=,alloc_quota=,alloc_mode=,"
                 "hold_limit=,allow_other,ro,... (see mount.fuse3(8))")
      ->type_name("OPTIONS")
      ->allow_extra_args(false)
      ->take_all();
  app.add_flag("-f,--foreground", options.foreground, "stay in the foreground");
  app.add_flag("--syslog", options.syslog, "log to syslog even in the foreground");
  app.add_flag("--version", version, "print the version and exit");
  app.add_option("mountpoint", positionals, helper ? "SPEC MOUNTPOINT" : "MOUNTPOINT");
  if (helper) {
    // What mount(8) passes to every helper.
    for (const char* flag : {"-s", "-n", "-v"}) {
      app.add_flag(flag, unused, "accepted for mount(8)");
    }
    app.add_option("-t", ignored, "accepted for mount(8)");
    app.add_option("-N", ignored, "accepted for mount(8)");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) throw UsageExit{0, app.help()};
    throw UsageExit{kExitUsage, std::string("grabfs: ") + error.what() + " (see grabfs --help)\n"};
  }
  if (version) throw UsageExit{0, std::string("grabfs ") + kVersion + "\n"};
  const size_t expected = helper ? 2 : 1;
  if (positionals.size() != expected) {
    throw UsageExit{kExitUsage, positionals.size() < expected
                                    ? "grabfs: no mount point given (see grabfs --help)\n"
                                    : "grabfs: too many arguments: '" + positionals.back() +
                                          "' (see grabfs --help)\n"};
  }
  if (helper) {
    for (auto& spec : ParseMountHelperSpec(positionals.front())) devices.push_back(std::move(spec));
  }
  for (const auto& device : devices) options.devices.push_back(ParseDeviceOption(device));
  options.mountpoint = ResolveMountpoint(positionals.back());
  options.file_system.mountpoint = options.mountpoint;
  options.mount_options = "fsname=grabfs,subtype=grabfs,default_permissions";
  for (const auto& words : mount_options) {
    for (const auto& option : Split(words, ',')) ApplyMountOption(option, options);
  }
  return options;
}

}  // namespace grabfs
