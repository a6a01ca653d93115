// SPDX-License-Identifier: Apache-2.0
//
// The version of grabfs: the only place that states it.
#pragma once

namespace grabfs {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace grabfs
