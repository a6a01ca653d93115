// SPDX-License-Identifier: Apache-2.0
//
// The list of sources: one line for each.
#include <cerrno>

#include "fusefs/base/error.h"
#include "fusefs/source/display.h"
#include "fusefs/source/grabdma.h"
#include "fusefs/source/pattern.h"
#include "fusefs/source/replay.h"
#include "fusefs/source/source.h"
#include "fusefs/source/v4l2.h"

namespace grabfs {
namespace {

struct Kind {
  std::string_view name;
  std::string_view usage;
  std::unique_ptr<Source> (*make)(SourceSpec& spec);
};

constexpr Kind kKinds[] = {
    {"pattern", "pattern", MakePattern},
    {"replay", "replay:FILE", MakeReplay},
    {"grabdma", "grabdma:/dev/grabdmaN", MakeGrabdma},
    {"v4l2", "v4l2:/dev/videoN", MakeV4l2},
    {"display", "display:FILE", MakeDisplay},
};

}  // namespace

std::vector<std::string> SourceUsages() {
  std::vector<std::string> usages;
  for (const Kind& kind : kKinds) usages.emplace_back(kind.usage);
  return usages;
}

namespace {

std::string KnownSources() {
  std::string text;
  for (const std::string& usage : SourceUsages()) {
    if (!text.empty()) text += ", ";
    text += usage;
  }
  return text;
}

}  // namespace

std::unique_ptr<Source> MakeSource(SourceSpec& spec) {
  for (const Kind& kind : kKinds) {
    if (kind.name == spec.kind) return kind.make(spec);
  }
  throw Error(EINVAL, "source '" + spec.kind + "': unknown; known are " + KnownSources());
}

}  // namespace grabfs
