// SPDX-License-Identifier: Apache-2.0
//
// A loadable source: one with libraries of its own that not everybody wants. It is a shared object,
// source-KIND.so, in a package of its own, grabfs-KIND. The daemon loads it when its command line
// names the source, never otherwise, and never unloads it.
//
// It is built from the same tree as the daemon and takes everything of it from there: it must
// contain none of the daemon's code (grabfs_source_module() in bazel/cc.bzl sees to that), or there
// would be two logs, two limits of memory and so on. C++ has no stable binary interface, so the
// daemon loads only what was built with it: same version, same compiler, same layout.
//
//     std::unique_ptr<Source> MakeMine(SourceSpec& spec);
//     GRABFS_SOURCE_MODULE("mine:CAMERA", MakeMine);
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fusefs/base/version.h"
#include "fusefs/source/source.h"

namespace grabfs {

// A camera that is there now.
struct FoundCamera {
  std::string source;       // as `--device` takes it: "mine:12345"
  std::string description;  // for people: who made it, its serial number
};

struct SourceModule {
  // What it was built with. Compared first, so they stay the first members for ever.
  const char* version = kVersion;
  const char* compiler = __VERSION__;
  uint64_t layout = sizeof(Source) << 40 | sizeof(Completion) << 20 | sizeof(SourceSpec);

  const char* usage;  // "mine:CAMERA", as SourceUsages() has it
  std::unique_ptr<Source> (*make)(SourceSpec& spec);
  // nullptr: its devices cannot be looked for.
  std::vector<FoundCamera> (*find)() = nullptr;
};

constexpr SourceModule MakeSourceModule(const char* usage,
                                        std::unique_ptr<Source> (*make)(SourceSpec& spec),
                                        std::vector<FoundCamera> (*find)() = nullptr) {
  return {.usage = usage, .make = make, .find = find};
}

// The name of the one symbol that a module exports.
inline constexpr char kSourceModuleSymbol[] = "grabfs_source_module";

}  // namespace grabfs

// The arguments are those of MakeSourceModule().
#define GRABFS_SOURCE_MODULE(...)                    \
  extern "C" __attribute__((visibility("default")))  \
  const ::grabfs::SourceModule grabfs_source_module; \
  const ::grabfs::SourceModule grabfs_source_module = ::grabfs::MakeSourceModule(__VA_ARGS__)
