// SPDX-License-Identifier: Apache-2.0
//
// Which V4L2 device is which.
#pragma once

#include <string>

#include "fusefs/source/node.h"

namespace grabfs {

// The place of a node's device on its bus and the serial number of USB devices, each with which of
// the device's nodes it is. Any V4L2 node will do. Throws Error when it cannot be opened.
NodeIdentity V4l2Identity(const std::string& node);

// "VENDOR:PRODUCT SERIAL" of the USB device behind an open node; empty when it is none, or has no
// serial number.
std::string UsbSerial(int node);

}  // namespace grabfs
