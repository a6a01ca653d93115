// SPDX-License-Identifier: Apache-2.0
//
// A device node, as the sources that drive one open and ask it.
#pragma once

#include <string>

#include "fusefs/base/unique_fd.h"

namespace grabfs {

// What stays of a device when it is unplugged and comes back under another node.
struct NodeIdentity {
  std::string place;   // on its bus
  std::string serial;  // wherever it is; empty: it has none. Cheap devices share theirs

  friend bool operator==(const NodeIdentity&, const NodeIdentity&) = default;
};

// For reading and writing, without waiting. Throws Error that says what to do; `if_absent`: where
// there is no such node.
UniqueFd OpenNode(const std::string& path, const std::string& if_absent);
// ioctl(2), again when it was interrupted: 0 or the errno value.
int NodeIoctl(const UniqueFd& node, unsigned long command, void* argument);

}  // namespace grabfs
