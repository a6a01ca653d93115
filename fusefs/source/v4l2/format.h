// SPDX-License-Identifier: Apache-2.0
//
// Negotiates a format with a V4L2 device. A V4L2 driver may adjust any value it is asked for. Here
// a value that the user named is set exactly, or refused with a list of what the device has; values
// that he did not name are adjusted: `echo 1280 > width` chooses the nearest size that is 1280
// pixels wide.
#pragma once

#include "fusefs/base/pixel_format.h"
#include "fusefs/source/source.h"
#include "fusefs/source/v4l2/device.h"

namespace grabfs {

// The format of a frame whose planes are one after another in memory.
FrameFormat ToFrameFormat(const V4l2Format& format);

// Sets the present format with the changes of `request`. On Error(EINVAL), which lists what the
// device has, nothing has changed.
V4l2Format NegotiateFormat(V4l2Device& device, const FormatRequest& request);

// Sets the rate and returns what the driver set; 0 asks for the fastest. Throws Error(EINVAL) with
// the rates that the device has.
Rate NegotiateRate(V4l2Device& device, const V4l2Format& format, Rate rate);

}  // namespace grabfs
