// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/device_name.h"

#include <algorithm>
#include <cerrno>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

constexpr size_t kMaxNameLength = 64;

}  // namespace

void ValidateDeviceName(const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (name.empty() || name.size() > kMaxNameLength || name.front() == '.' ||
      !std::ranges::all_of(name, allowed)) {
    throw Error(EINVAL,
                "device name '" + name +
                    "': use 1 to 64 letters, digits, '.', '_' or '-', not starting with '.'");
  }
  if (name == "status.json" || name == "alloc") {
    throw Error(EINVAL, "device name '" + name + "' is used by the mount itself: choose another");
  }
}

}  // namespace grabfs
