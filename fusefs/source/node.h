// SPDX-License-Identifier: Apache-2.0
//
// Opens a device node in /dev and calls its ioctls, for the sources that drive one.
#pragma once

#include <string>

#include "fusefs/base/unique_fd.h"

namespace grabfs {

// Identifies a device that was unplugged and plugged in again, perhaps under another node.
struct NodeIdentity {
  std::string place;   // on its bus
  std::string serial;  // serial number; empty: it has none. Cheap devices of one model share theirs

  friend bool operator==(const NodeIdentity&, const NodeIdentity&) = default;
};

// Opens it with O_RDWR | O_NONBLOCK. Throws Error that says what to do; `if_absent`: the text of
// that for a node that does not exist.
UniqueFd OpenNode(const std::string& path, const std::string& if_absent);
// ioctl(2), repeated if a signal interrupts it. Returns 0 or the errno value.
int NodeIoctl(const UniqueFd& node, unsigned long command, void* argument);

}  // namespace grabfs
