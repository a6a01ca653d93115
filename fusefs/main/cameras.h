// SPDX-License-Identifier: Apache-2.0
//
// grabfs --list-cameras: the cameras that this machine has, of every kind of source that can tell.
#pragma once

#include <string>

namespace grabfs {

// A line for each: what `--device NAME=` takes, a tabulator, a description for people. Asks devices
// and networks, which takes a second or two. `source_path`: see SourceSpec.
std::string ListCameras(const std::string& source_path);

}  // namespace grabfs
