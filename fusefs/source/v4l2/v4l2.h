// SPDX-License-Identifier: Apache-2.0
//
// The source `v4l2:/dev/videoN`: frames of any camera or grabber that Linux has a driver for.
// Drivers that can write to memory of other programs fill the daemon's memory without a copy.
#pragma once

#include <memory>
#include <string>

#include "fusefs/source/source.h"
#include "fusefs/source/v4l2/device.h"

namespace grabfs {

// Takes io (userptr, dmabuf or mmap), format, width, height, rate and the names of the device's
// controls (input, standard, brightness, ...) out of `spec`, whose argument is the device node;
// what is absent stays as the device has it. Throws Error.
std::unique_ptr<Source> MakeV4l2(SourceSpec& spec);
// The same with an open device.
std::unique_ptr<Source> MakeV4l2(SourceSpec& spec, std::shared_ptr<V4l2Device> device);

}  // namespace grabfs
