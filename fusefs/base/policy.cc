// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/policy.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include "fusefs/base/error.h"

namespace grabfs {

std::string_view PolicyName(Policy policy) { return kPolicyNames.at(static_cast<size_t>(policy)); }

Policy ParsePolicy(std::string_view name) {
  const auto found = std::ranges::find(kPolicyNames, name);
  if (found != kPolicyNames.end()) return static_cast<Policy>(found - kPolicyNames.begin());
  throw Error(EINVAL, "policy '" + std::string(name) + "': use keep-newest or keep-oldest");
}

}  // namespace grabfs
