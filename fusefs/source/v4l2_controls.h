// SPDX-License-Identifier: Apache-2.0
//
// What can be turned on a V4L2 device: its input, its standard, its crop, then its controls, each
// under the name that v4l2-ctl gives it ("White Balance, Auto": white_balance_auto).
#pragma once

#include <memory>

#include "fusefs/source/controls.h"
#include "fusefs/source/v4l2_device.h"

namespace grabfs {

// Asks the device once what it has. Throws Error.
std::shared_ptr<Controls> MakeV4l2Controls(std::shared_ptr<V4l2Device> device);

// The name of a file for a title: letters and digits in lower case, and one '_' for all between.
std::string ControlName(std::string_view title);

}  // namespace grabfs
