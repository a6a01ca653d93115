// SPDX-License-Identifier: Apache-2.0
//
// The controls of a V4L2 device, which the mount shows in controls/: its input, standard, timings
// and crop, then the driver's controls under the names that v4l2-ctl uses ("White Balance, Auto":
// white_balance_auto).
#pragma once

#include <memory>

#include "fusefs/source/controls.h"
#include "fusefs/source/v4l2/device.h"

namespace grabfs {

// Asks the device once which controls it has. Throws Error.
std::shared_ptr<Controls> MakeV4l2Controls(std::shared_ptr<V4l2Device> device);

// The file name for a title: letters and digits in lower case, and one '_' for all between them.
std::string ControlName(std::string_view title);

}  // namespace grabfs
