// SPDX-License-Identifier: Apache-2.0
//
// Agreeing with a V4L2 device on a format. The driver may adjust whatever it is asked for; here a
// user who names a value gets exactly that or a refusal that lists what there is, and what was not
// named follows: `echo 1280 > width` goes to the 1280 pixels wide size that is nearest.
#pragma once

#include "fusefs/base/pixel_format.h"
#include "fusefs/source/source.h"
#include "fusefs/source/v4l2_device.h"

namespace grabfs {

// The frame that the planes make, one after another in memory.
FrameFormat ToFrameFormat(const V4l2Format& format);

// Sets the device to its current format with what `request` changes. Throws Error(EINVAL) with what
// the device offers, and then the device is as it was.
V4l2Format NegotiateFormat(V4l2Device& device, const FormatRequest& request);

// Sets the rate, or throws Error(EINVAL) with the rates that there are; 0 asks for the fastest.
// Returns what was set.
Rate NegotiateRate(V4l2Device& device, const V4l2Format& format, Rate rate);

}  // namespace grabfs
