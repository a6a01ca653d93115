// SPDX-License-Identifier: Apache-2.0
//
// Bazel compiles this file anew for each program that it links (`linkstamp`), without the options
// of the libraries, so that another commit compiles nothing else.
namespace grabfs {

extern const char kBuildLabel[];
const char kBuildLabel[] = BUILD_EMBED_LABEL;

}  // namespace grabfs
