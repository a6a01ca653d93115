// SPDX-License-Identifier: Apache-2.0
#include "fusefs/fuse/libfuse_version.h"

#include "fusefs/fuse/fuse.h"

namespace grabfs {

std::string LibfuseVersion() { return fuse_pkgversion(); }

}  // namespace grabfs
