// SPDX-License-Identifier: Apache-2.0
//
// Finds and loads sources that are shared objects (module.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fusefs/source/module.h"
#include "fusefs/source/source.h"

namespace grabfs {

// Makes the source `spec.kind` by its module in `spec.source_path`; nullptr: there is no such
// module. Throws Error: EPERM when others than root can change it while this daemon is root, or
// when the daemon is set-user-ID; ENOEXEC when it cannot be loaded, or belongs to another version
// of grabfs; and as the source itself does.
std::unique_ptr<Source> MakeLoadableSource(SourceSpec& spec);

// Whether the source `spec.kind` is no part of this program.
bool IsLoadable(const SourceSpec& spec);

// The cameras that all modules in this folder find now; `source_path` as in SourceSpec. A module
// that cannot be loaded is logged.
std::vector<FoundCamera> FindLoadableCameras(const std::string& source_path);

// Where that would be looked for: "/usr/lib/grabfs/source-KIND.so".
std::string LoadableSourcePath(const SourceSpec& spec);

}  // namespace grabfs
