// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli set: writes attributes of a device, in the order given.
#include <ranges>
#include <utility>
#include <vector>

#include "cli/base/text.h"
#include "cli/command/target.h"
#include "cli/command/verb.h"

namespace grabfs::cli {
namespace {

using Setting = std::pair<std::string, std::string>;

Setting ParseSetting(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) {
    throw UsageError("set: '" + text + "' is not KEY=VALUE (a device's name comes first)");
  }
  const std::string key = text.substr(0, equals);
  // A key is the name of a file in the device's directory, and of nothing else.
  if (key.empty() || key.find_first_of("/.") != std::string::npos) {
    throw UsageError("set: '" + key + "' cannot be the name of an attribute");
  }
  return {key, text.substr(equals + 1)};
}

class SetVerb : public Verb {
 public:
  void Declare(Options& options) override {
    target_.DeclareDevice(options);
    options.Arguments("KEY=VALUE", arguments_,
                      "Attributes: format width height rate buffers_count policy state trigger, "
                      "and what the device adds: its controls, as in DEVICE/controls/");
  }

  ExitCode Run(Context& context) override {
    // Without a device the first setting stands in its place.
    if (target_.device().find('=') != std::string::npos) {
      arguments_.insert(arguments_.begin(), target_.device());
      target_.set_device("");
    }
    std::vector<Setting> settings;
    for (const std::string& argument : arguments_) settings.push_back(ParseSetting(argument));
    if (settings.empty()) throw UsageError("set: nothing to set; give KEY=VALUE");
    const Device device = target_.FindDevice(context);
    SetAll(device, settings);
    return ExitCode::kDone;
  }

 private:
  // All or nothing: what was set before one that is refused gets its value back.
  static void SetAll(const Device& device, const std::vector<Setting>& settings) {
    std::vector<Setting> before;
    try {
      for (const auto& [key, value] : settings) {
        std::string old = device.Get(key);
        device.Set(key, value);
        before.emplace_back(key, std::move(old));
      }
    } catch (const Error& error) {
      if (before.empty()) throw;
      const std::vector<std::string> kept = SetBack(device, before);
      throw Error(error.code(), std::string(error.what()) +
                                    (kept.empty() ? " (nothing was changed)"
                                                  : " (" + Join(kept, ", ") + " was changed)"));
    }
  }

  // Returns what cannot have its value back.
  static std::vector<std::string> SetBack(const Device& device,
                                          const std::vector<Setting>& settings) {
    std::vector<std::string> kept;
    for (const auto& [key, value] : settings | std::views::reverse) {
      try {
        device.Set(key, value);
      } catch (const Error&) {
        kept.push_back(key);
      }
    }
    return kept;
  }

  Target target_;
  std::vector<std::string> arguments_;
};

}  // namespace

extern const VerbEntry kSetVerb;
const VerbEntry kSetVerb = {
    "set",
    "Change attributes of a device",
    "grabfs-cli set rate=29.97\n"
    "grabfs-cli set cam0 format=GREY width=640 height=480 buffers_count=16\n"
    "grabfs-cli set cam0 brightness=128 \"power_line_frequency=50 Hz\"",
    &MakeVerb<SetVerb>,
};

}  // namespace grabfs::cli
