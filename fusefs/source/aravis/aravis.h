// SPDX-License-Identifier: Apache-2.0
//
// Cameras of GigE Vision and USB3 Vision: aravis:CAMERA.
#pragma once

#include <memory>

#include "fusefs/source/source.h"

namespace grabfs {

// `spec.argument`: an id, a serial number or an address (camera.h); empty: the first camera. Throws
// Error: ENODEV, EBUSY, EINVAL when a key has an impossible value.
std::unique_ptr<Source> MakeAravis(SourceSpec& spec);

}  // namespace grabfs
