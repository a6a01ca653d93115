// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli trigger: asks for frames and does not wait for them.
#include "cli/command/target.h"
#include "cli/command/verb.h"

namespace grabfs::cli {
namespace {

class TriggerVerb : public Verb {
 public:
  void Declare(Options& options) override {
    target_.DeclareDevice(options);
    options.Count("-n,--frames", frames_, "N",
                  "How many more (default 1); 0 cancels those that are due");
  }

  ExitCode Run(Context& context) override {
    target_.FindDevice(context).Set("trigger", std::to_string(frames_.value_or(1)));
    return ExitCode::kDone;
  }

 private:
  Target target_;
  std::optional<uint64_t> frames_;
};

}  // namespace

extern const VerbEntry kTriggerVerb;
const VerbEntry kTriggerVerb = {
    "trigger",
    "Trigger frames without waiting for them",
    "grabfs-cli trigger\n"
    "grabfs-cli trigger cam0 -n 4",
    &MakeVerb<TriggerVerb>,
};

}  // namespace grabfs::cli
