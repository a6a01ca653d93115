// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli start: lets a device stream.
#include "cli/command/target.h"
#include "cli/command/verb.h"

namespace grabfs::cli {
namespace {

class StartVerb : public Verb {
 public:
  void Declare(Options& options) override {
    target_.DeclareDevice(options);
    options.Text("--rate", rate_, "RATE",
                 "Frames per second (30, 29.97, 30000/1001; 0: as fast as possible)");
  }

  ExitCode Run(Context& context) override {
    const Device device = target_.FindDevice(context);
    if (!rate_.empty()) device.Set("rate", rate_);
    device.Set("state", "start");
    return ExitCode::kDone;
  }

 private:
  Target target_;
  std::string rate_;
};

}  // namespace

extern const VerbEntry kStartVerb;
const VerbEntry kStartVerb = {
    "start",
    "Let a device stream",
    "grabfs-cli start\n"
    "grabfs-cli start cam0 --rate 60",
    &MakeVerb<StartVerb>,
};

}  // namespace grabfs::cli
