// SPDX-License-Identifier: Apache-2.0
#include "cli/save/frame_report.h"

#include <nlohmann/json.hpp>
#include <ostream>
#include <vector>

#include "cli/base/text.h"

namespace grabfs::cli {

void PrintFrame(Context& context, const Device& device, const Outcome& frame, bool json) {
  const std::string file = device.FramePath(frame.sequence).string();
  if (json) {
    nlohmann::ordered_json object = {
        {"device", device.name()}, {"sequence", frame.sequence}, {"file", file}};
    if (frame.timestamp_ns != 0) object["timestamp_ns"] = frame.timestamp_ns;
    context.out << object.dump() << std::endl;
  } else {
    context.out << file << std::endl;
  }
}

void Tally::Count(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::kFrame:
      frames_ += outcome.count;
      break;
    case Outcome::Kind::kDropped:
      dropped_ += outcome.count;
      break;
    case Outcome::Kind::kFailed:
      failed_ += outcome.count;
      break;
    case Outcome::Kind::kMissed:
      missed_ += outcome.count;
      break;
  }
  if (!outcome.reason.empty()) reason_ = outcome.reason;
}

ExitCode Tally::Conclude(Context& context, const Device& device, bool no_drop) const {
  const ExitCode code = no_drop && lost() > 0        ? ExitCode::kDropped
                        : lost() > 0 && frames_ == 0 ? ExitCode::kFailed
                                                     : ExitCode::kDone;
  if (lost() > 0 && (code != ExitCode::kDone || !context.quiet)) {
    std::vector<std::string> parts;
    if (dropped_ > 0) parts.push_back(Plural(dropped_, "frame") + " dropped");
    if (failed_ > 0) parts.push_back(Plural(failed_, "frame") + " failed");
    if (missed_ > 0) parts.push_back(Plural(missed_, "frame") + " gone before it could be opened");
    context.Warn(device.name() + ": " + Join(parts, ", ") +
                 (reason_.empty() ? "" : " (" + OneLine(reason_) + ")"));
  }
  return code;
}

std::string ExplainSilence(const DeviceStatus& status) {
  const bool full = status.buffers.free == 0 && status.buffers.filling == 0;
  if (full && status.policy == "keep-oldest") {
    return "every buffer holds a frame and the policy is keep-oldest: remove frames or set " +
           status.name + " policy=keep-newest";
  }
  if (status.buffers.count > 0 && status.buffers.held == status.buffers.count) {
    return "readers hold every one of its " + Plural(status.buffers.count, "buffer");
  }
  if (status.trigger > 0) {
    return Plural(status.trigger, "frame") + " still due: 'grabfs-cli trigger " + status.name +
           " -n 0' cancels";
  }
  if (status.state == "stopped") return "the device is stopped";
  return "the device is " + status.state + " but delivers nothing";
}

}  // namespace grabfs::cli
