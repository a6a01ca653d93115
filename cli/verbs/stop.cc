// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli stop: ends streaming. Frames that are there stay there.
#include "cli/command/target.h"
#include "cli/command/verb.h"

namespace grabfs::cli {
namespace {

class StopVerb : public Verb {
 public:
  void Declare(Options& options) override { target_.DeclareDevice(options); }

  ExitCode Run(Context& context) override {
    target_.FindDevice(context).Set("state", "stop");
    return ExitCode::kDone;
  }

 private:
  Target target_;
};

}  // namespace

extern const VerbEntry kStopVerb;
const VerbEntry kStopVerb = {
    "stop",
    "Stop a device; its frames stay",
    "grabfs-cli stop\n"
    "grabfs-cli stop cam0",
    &MakeVerb<StopVerb>,
};

}  // namespace grabfs::cli
