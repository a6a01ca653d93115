// SPDX-License-Identifier: Apache-2.0
//
// Where a V4L2 device is: what stays the same when it is unplugged and comes back under another
// node.
#pragma once

#include <string>

namespace grabfs {

// The place of a node's device on its bus, and which of the device's nodes it is. Any V4L2 node
// will do. Throws Error when it cannot be opened.
std::string V4l2Place(const std::string& node);

}  // namespace grabfs
