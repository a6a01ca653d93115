// SPDX-License-Identifier: Apache-2.0
//
// Finds and loads sources that are shared objects (module.h).
#pragma once

#include <memory>

#include "fusefs/source/source.h"

namespace grabfs {

// Makes the source `spec.kind` by its module in `spec.source_path`; nullptr: there is no such
// module. Throws Error: EPERM when others than root can change it while this daemon is root, or
// when the daemon is set-user-ID; ENOEXEC when it cannot be loaded, or belongs to another version
// of grabfs; and as the source itself does.
std::unique_ptr<Source> MakeLoadableSource(SourceSpec& spec);

// Where that would be looked for: "/usr/lib/grabfs/source-KIND.so".
std::string LoadableSourcePath(const SourceSpec& spec);

}  // namespace grabfs
