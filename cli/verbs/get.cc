// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli get: the values of attributes and controls, in the form that `set` takes.
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "cli/command/target.h"
#include "cli/command/verb.h"

namespace grabfs::cli {
namespace {

class GetVerb : public Verb {
 public:
  void Declare(Options& options) override {
    target_.DeclareDevice(options);
    options.Arguments(
        "KEY", keys_,
        "An attribute or control; one alone is printed as its value only (default: all "
        "that 'set' takes)");
    options.Flag("--json", json_, "One object of texts");
  }

  ExitCode Run(Context& context) override {
    const Device device = FindDevice(context);
    const bool bare = keys_.size() == 1 && !json_;
    if (keys_.empty()) keys_ = AllOf(device);
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    for (const std::string& key : keys_) object[key] = device.Get(key);
    if (json_) {
      context.out << object.dump(2) << '\n';
      return ExitCode::kDone;
    }
    for (const auto& [key, value] : object.items()) {
      context.out << (bare ? "" : key + "=") << value.get_ref<const std::string&>() << '\n';
    }
    return ExitCode::kDone;
  }

 private:
  // Those that do something when they are written are no settings; and of cameras that of output.
  static std::vector<std::string> AllOf(const Device& device) {
    std::set<std::string> left_out = {"into", "state", "trigger"};
    left_out.insert(device.Get("direction") == "output" ? "announce" : "writeback_ms");
    std::vector<std::string> names = device.SettingNames();
    std::erase_if(names, [&](const std::string& name) { return left_out.contains(name); });
    return names;
  }

  // Without a device the first key stands in its place.
  Device FindDevice(const Context& context) {
    try {
      return target_.FindDevice(context);
    } catch (const NoDeviceError&) {
      const std::string first = target_.device();
      target_.set_device("");
      keys_.insert(keys_.begin(), first);
      return target_.FindDevice(context);
    }
  }

  Target target_;
  std::vector<std::string> keys_;
  bool json_ = false;
};

}  // namespace

extern const VerbEntry kGetVerb;
const VerbEntry kGetVerb = {
    "get",
    "Print settings of a device",
    "grabfs-cli get rate\n"
    "grabfs-cli get cam0 format width height\n"
    "grabfs-cli get cam0 > cam0.conf\n"
    "xargs -d '\\n' grabfs-cli set cam0 < cam0.conf",
    &MakeVerb<GetVerb>,
};

}  // namespace grabfs::cli
