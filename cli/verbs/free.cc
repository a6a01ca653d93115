// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli free: gives memory of alloc/ back.
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/command/target.h"
#include "cli/command/verb.h"
#include "cli/mount/alloc_path.h"

namespace grabfs::cli {
namespace {

class FreeVerb : public Verb {
 public:
  void Declare(Options& options) override {
    target_.DeclareMount(options);
    options.Arguments("NAME", names_, "Of files in alloc/");
    options.Flag("--json", json_, "One object a line for each file that is gone");
  }

  ExitCode Run(Context& context) override {
    if (names_.empty()) throw UsageError("free: nothing to free; give NAME");
    const Mount mount = target_.FindMount(context);
    for (const std::string& text : names_) {
      const MountFile file = AllocFile(mount, AllocName(mount, text));
      Unlink(file);
      if (json_) {
        context.out << nlohmann::ordered_json{{"freed", file.path().string()}}.dump() << '\n';
      }
    }
    return ExitCode::kDone;
  }

 private:
  Target target_;
  std::vector<std::string> names_;
  bool json_ = false;
};

}  // namespace

extern const VerbEntry kFreeVerb;
const VerbEntry kFreeVerb = {
    "free",
    "Give memory of alloc/ back; it goes when nobody has it open or mapped any more",
    "grabfs-cli free mine\n"
    "grabfs-cli free cam0/picture alloc/other",
    &MakeVerb<FreeVerb>,
};

}  // namespace grabfs::cli
