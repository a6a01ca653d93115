// SPDX-License-Identifier: Apache-2.0
//
// Command lines of the daemon, a word a line, the program's name first: each is refused with a
// reason, or means something that the daemon can rely on.
#include "fusefs/main/options.h"

#include <vector>

#include "fusefs/base/device_name.h"
#include "tests/fuzz/fuzz.h"

namespace grabfs::fuzz {
namespace {

constexpr size_t kMaxWords = 24;

void CheckDevice(const DeviceOption& device) {
  ValidateDeviceName(device.config.name);
  Require(!device.source.kind.empty());
  for (const char* taken : {"buffers", "policy", "state"}) {
    Require(!device.source.options.contains(taken));
  }
  // The one source that opens no file.
  if (device.source.kind != "pattern") return;
  SourceSpec spec = device.source;
  AcceptOrRefuse([&spec] {
    const auto source = MakeSource(spec);
    const FrameFormat& format = source->format();
    Require(format == MakeFrameFormat(format.fourcc, format.width, format.height));
  });
}

void Check(const std::vector<std::string>& words) {
  std::vector<const char*> argv;
  for (const std::string& word : words) argv.push_back(word.c_str());
  argv.push_back(nullptr);
  try {
    AcceptOrRefuse([&] {
      const DaemonOptions options = ParseOptions(static_cast<int>(words.size()), argv.data());
      Require(options.mountpoint.starts_with('/') && options.file_system.modes.umask <= 0777);
      Require(options.file_system.mountpoint == options.mountpoint);
      for (const DeviceOption& device : options.devices) CheckDevice(device);
    });
  } catch (const UsageExit& usage) {
    Require((usage.status == 0 || usage.status == kExitUsage) && !usage.text.empty());
  }
}

}  // namespace
}  // namespace grabfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto words = grabfs::fuzz::Lines(grabfs::fuzz::TextOf(data, size), grabfs::fuzz::kMaxWords);
  if (!words.empty()) grabfs::fuzz::Check(words);
  return 0;
}
