// SPDX-License-Identifier: Apache-2.0
//
// Identifies a V4L2 device.
#pragma once

#include <string>

#include "fusefs/source/node.h"

namespace grabfs {

// The place of the node's device on its bus, and its serial number if it is a USB device. Both have
// the index of the node appended, because a device may have several. Throws Error when the node
// cannot be opened.
NodeIdentity V4l2Identity(const std::string& node);

// "VENDOR:PRODUCT SERIAL" of the USB device behind an open node; empty if it is no USB device or
// has no serial number.
std::string UsbSerial(int node);

}  // namespace grabfs
