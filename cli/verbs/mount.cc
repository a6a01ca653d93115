// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli mount: runs the daemon, which goes to the background when the mount answers.
#include <cerrno>

#include "cli/base/process.h"
#include "cli/command/verb.h"

namespace grabfs::cli {
namespace {

class MountVerb : public Verb {
 public:
  void Declare(Options& options) override { options.PassOn(arguments_); }

  ExitCode Run(Context& context) override {
    if (arguments_.empty()) throw UsageError("mount: where? give a mount point");
    const auto daemon = FindProgram(context, "grabfs");
    if (!daemon) throw Error(ENOENT, "mount: there is no grabfs beside this program or in $PATH");
    arguments_.insert(arguments_.begin(), daemon->string());
    const int status = Child(std::move(arguments_)).Await();
    if (status == static_cast<int>(ExitCode::kUsage)) return ExitCode::kUsage;
    // The daemon has said why on standard error.
    return status == 0 ? ExitCode::kDone : ExitCode::kFailed;
  }

 private:
  std::vector<std::string> arguments_;
};

}  // namespace

extern const VerbEntry kMountVerb;
const VerbEntry kMountVerb = {
    "mount",
    "Mount grabfs; options and arguments are those of 'grabfs --help'",
    "grabfs-cli mount /mnt/grabfs\n"
    "grabfs-cli mount --device sim0=pattern,format=GREY,rate=60 -o allow_other /mnt/grabfs",
    &MakeVerb<MountVerb>,
};

}  // namespace grabfs::cli
