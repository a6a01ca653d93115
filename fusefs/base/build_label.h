// SPDX-License-Identifier: Apache-2.0
//
// The commit that this program was built from: `bazel build --stamp --embed_label=COMMIT`. Else
// empty.
#pragma once

namespace grabfs {

extern const char kBuildLabel[];

}  // namespace grabfs
