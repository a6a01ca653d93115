// SPDX-License-Identifier: Apache-2.0
//
// The GenICam features of a camera as controls, under GenICam's own names: ExposureTime, Gain ...
#pragma once

#include <memory>

#include "fusefs/source/aravis/camera.h"
#include "fusefs/source/controls.h"

namespace grabfs {

// Throws Error as the camera does. Registers, invisible features and what only this source may do
// (start, stop) are left out.
std::shared_ptr<Controls> MakeAravisControls(std::shared_ptr<AravisCamera> camera);

}  // namespace grabfs
