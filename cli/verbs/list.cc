// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli list: the devices of every mount, one a line.
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/base/table.h"
#include "cli/base/text.h"
#include "cli/command/target.h"
#include "cli/command/verb.h"

namespace grabfs::cli {
namespace {

class ListVerb : public Verb {
 public:
  void Declare(Options& options) override {
    target_.DeclareMount(options);
    options.Flag("--json", json_, "One array of objects");
  }

  ExitCode Run(Context& context) override {
    const std::vector<ExaminedMount> mounts = target_.LivingMounts(context);
    if (json_) {
      PrintJson(context, mounts);
    } else if (mounts.empty()) {
      throw NoDeviceError("no grabfs is mounted that this user can look at");
    } else {
      PrintTable(context, mounts);
    }
    return ExitCode::kDone;
  }

 private:
  static void PrintJson(Context& context, const std::vector<ExaminedMount>& mounts) {
    nlohmann::json all = nlohmann::json::array();
    for (const ExaminedMount& mount : mounts) {
      for (nlohmann::json device : mount.status_json.at("devices")) {
        device["mountpoint"] = mount.mount.mountpoint;
        all.push_back(std::move(device));
      }
    }
    context.out << all.dump(2) << '\n';
  }

  static void PrintTable(Context& context, const std::vector<ExaminedMount>& mounts) {
    using enum Table::Align;
    Table table({{"DEVICE"},
                 {"STATE"},
                 {"FORMAT"},
                 {"SIZE"},
                 {"RATE", kRight},
                 {"BUFFERS", kRight},
                 {"FRAMES", kRight},
                 {"DROPPED", kRight},
                 {"MOUNTPOINT"}});
    for (const ExaminedMount& mount : mounts) {
      for (const DeviceStatus& d : mount.status.devices) {
        table.AddRow({d.name, d.state, d.format,
                      std::to_string(d.width) + "x" + std::to_string(d.height), d.rate,
                      std::to_string(d.buffers.count), std::to_string(d.counters.present),
                      std::to_string(d.counters.dropped), mount.mount.mountpoint});
      }
    }
    table.Print(context.out);
  }

  Target target_;
  bool json_ = false;
};

}  // namespace

extern const VerbEntry kListVerb;
const VerbEntry kListVerb = {
    "list",
    "List the devices of all grabfs mounts",
    "grabfs-cli list\n"
    "grabfs-cli list --json | jq -r '.[] | select(.state == \"streaming\") | .name'",
    &MakeVerb<ListVerb>,
};

}  // namespace grabfs::cli
