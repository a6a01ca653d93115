// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli hold: keeps one frame from being recycled for as long as it runs.
#include <signal.h>

#include <cerrno>
#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/base/text.h"
#include "cli/command/target.h"
#include "cli/command/verb.h"
#include "cli/mount/frame.h"

namespace grabfs::cli {
namespace {

// The signals that end a hold, kept from ending the process before they are waited for.
sigset_t BlockEndingSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

timespec ToTimespec(double seconds) {
  double whole = 0;
  const double rest = std::modf(seconds, &whole);
  return {.tv_sec = static_cast<time_t>(whole), .tv_nsec = static_cast<long>(rest * 1e9)};
}

void AwaitSignal(const sigset_t& signals, const std::optional<double>& seconds) {
  if (!seconds) {
    int ignored = 0;
    ::sigwait(&signals, &ignored);
    return;
  }
  const timespec time = ToTimespec(*seconds);
  while (::sigtimedwait(&signals, nullptr, &time) < 0 && errno == EINTR) continue;
}

class HoldVerb : public Verb {
 public:
  void Declare(Options& options) override {
    target_.DeclareDevice(options);
    options.Count("--frame", sequence_, "SEQUENCE", "Its sequence number (default: the newest)");
    options.Seconds("--for", seconds_, "Let go after so long (default: when this command ends)");
    options.Flag("--json", json_, "An object instead of a path");
  }

  ExitCode Run(Context& context) override {
    const Device device = target_.FindDevice(context);
    const auto frame = FindFrame(device, sequence_);
    if (!frame) {
      throw Error(ENOENT, device.name() + ": " +
                              (sequence_ ? "there is no frame " + std::to_string(*sequence_)
                                         : std::string("there is no frame yet")));
    }
    const sigset_t signals = BlockEndingSignals();
    Print(context, device, (*frame)->sequence);
    AwaitSignal(signals, seconds_);
    return ExitCode::kDone;
  }

 private:
  void Print(Context& context, const Device& device, uint64_t sequence) const {
    const std::string file = device.FramePath(sequence).string();
    if (json_) {
      const nlohmann::ordered_json object = {
          {"device", device.name()}, {"sequence", sequence}, {"file", file}};
      context.out << object.dump() << std::endl;
    } else {
      context.out << file << std::endl;
    }
  }

  Target target_;
  std::optional<uint64_t> sequence_;
  std::optional<double> seconds_;
  bool json_ = false;
};

}  // namespace

extern const VerbEntry kHoldVerb;
const VerbEntry kHoldVerb = {
    "hold",
    "Keep a frame from being recycled while this command runs, and print its path",
    "grabfs-cli hold cam0 --for 10 &\n"
    "grabfs-cli hold cam0 --frame 42",
    &MakeVerb<HoldVerb>,
};

}  // namespace grabfs::cli
