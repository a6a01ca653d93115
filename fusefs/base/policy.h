// SPDX-License-Identifier: Apache-2.0
//
// What becomes of frames that nobody holds when there is no free buffer (docs/mount.md).
#pragma once

#include <array>
#include <string_view>

namespace grabfs {

enum class Policy {
  kKeepNewest,  // recycle the oldest frame that nobody holds
  kKeepOldest,  // recycle nothing: take no frame until one is unlinked
};

// Indexed by Policy.
inline constexpr std::array<std::string_view, 2> kPolicyNames = {"keep-newest", "keep-oldest"};

std::string_view PolicyName(Policy policy);
// Throws Error(EINVAL), which says what there is.
Policy ParsePolicy(std::string_view name);

}  // namespace grabfs
