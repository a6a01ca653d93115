// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/v4l2/path_choice.h"

#include <cerrno>

#include "fusefs/base/error.h"

namespace grabfs {

std::optional<std::string> V4l2PathChoice::Objection(V4l2Device& device, const V4l2Format& format,
                                                     V4l2Path path, bool pins_are_uses) const {
  // A driver pins the pages as long as it captures.
  if (pins_are_uses && path != V4l2Path::kMmap) return "the memory would see the driver's own pins";
  const auto unfit = unfit_.find(path);
  return unfit != unfit_.end() ? std::optional(unfit->second) : WhyNot(device, path, format);
}

void V4l2PathChoice::Choose(V4l2Device& device, const V4l2Format& format, bool pins_are_uses) {
  std::string others;
  for (const V4l2Path path : kV4l2Paths) {
    if (forced_ && path != *forced_) continue;
    const auto objection = Objection(device, format, path, pins_are_uses);
    if (!objection) {
      path_ = path;
      reason_ = forced_ ? "as asked for" : others.empty() ? "the driver takes our memory" : others;
      least_queued_ = LeastBuffers(device, path);
      return;
    }
    others += (others.empty() ? "" : "; ") + std::string(PathName(path)) + ": " + *objection;
  }
  throw Error(EINVAL, device.path() + ": there is no way for its frames: " + others);
}

void V4l2PathChoice::TryToChoose(V4l2Device& device, const V4l2Format& format, bool pins_are_uses) {
  if (path_) return;
  try {
    Choose(device, format, pins_are_uses);
  } catch (const Error& error) {
    if (error.code() != EBUSY) throw;
    reason_ = error.what();
  }
}

}  // namespace grabfs
