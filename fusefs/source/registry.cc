// SPDX-License-Identifier: Apache-2.0
//
// The list of sources: one line for each that is inside; others are loaded (loadable.h).
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>

#include "fusefs/base/error.h"
#include "fusefs/source/display/display.h"
#include "fusefs/source/exec/exec.h"
#include "fusefs/source/grabdma/grabdma.h"
#include "fusefs/source/grabdma/memory.h"
#include "fusefs/source/loadable.h"
#include "fusefs/source/options.h"
#include "fusefs/source/software/pattern.h"
#include "fusefs/source/software/replay.h"
#include "fusefs/source/source.h"
#include "fusefs/source/v4l2/v4l2.h"

namespace grabfs {
namespace {

enum class Argument {
  kNone,
  kFile,
  kProgram,  // a file, but never one whose name has no slash
};

struct Kind {
  std::string_view name;
  std::string_view usage;
  Argument argument;
  std::unique_ptr<Source> (*make)(SourceSpec& spec);
};

constexpr Kind kKinds[] = {
    {"pattern", "pattern", Argument::kNone, MakePattern},
    {"replay", "replay:FILE", Argument::kFile, MakeReplay},
    {"grabdma", "grabdma:/dev/grabdmaN", Argument::kFile, MakeGrabdma},
    {"v4l2", "v4l2:/dev/videoN", Argument::kFile, MakeV4l2},
    {"exec", "exec:PROGRAM", Argument::kProgram, MakeExec},
    {"display", "display:FILE", Argument::kFile, MakeDisplay},
};

}  // namespace

bool IsLoadable(const SourceSpec& spec) {
  return std::ranges::find(kKinds, spec.kind, &Kind::name) == std::end(kKinds);
}

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

// memory=: where the buffers come from.
void ChooseMemory(Source& source, const std::string& choice) {
  constexpr std::string_view kModule = "grabdma";
  if (choice == "own") return;
  std::string_view node = choice;
  if (node.starts_with(kModule)) node.remove_prefix(kModule.size());
  const bool understood = node.empty() || (node.size() < choice.size() && node.front() == ':');
  if (!understood) {
    throw Error(EINVAL, "memory=" + choice + ": use own, grabdma or grabdma:/dev/grabdmaN");
  }
  if (!node.empty()) node.remove_prefix(1);
  source.SetBufferMaker(MakeGrabdmaBufferMaker(std::string(node)));
}

}  // namespace

void MakePathAbsolute(SourceSpec& spec) {
  for (const Kind& kind : kKinds) {
    if (kind.name != spec.kind || kind.argument == Argument::kNone) continue;
    const bool slash = spec.argument.find('/') != std::string::npos;
    if (spec.argument.empty() || (kind.argument == Argument::kProgram && !slash)) continue;
    spec.argument = std::filesystem::absolute(spec.argument);
  }
}

namespace {

std::unique_ptr<Source> MakeOfKind(SourceSpec& spec) {
  for (const Kind& kind : kKinds) {
    if (kind.name == spec.kind) return kind.make(spec);
  }
  if (auto source = MakeLoadableSource(spec)) return source;
  throw Error(EINVAL, "source '" + spec.kind + "': unknown; known are " + KnownSources() +
                          ". A package grabfs-" + spec.kind + " would have " +
                          LoadableSourcePath(spec) + ", which is not there");
}

}  // namespace

std::unique_ptr<Source> MakeSource(SourceSpec& spec) {
  auto source = MakeOfKind(spec);
  if (const auto memory = TakeOption(spec, "memory")) ChooseMemory(*source, *memory);
  return source;
}

}  // namespace grabfs
