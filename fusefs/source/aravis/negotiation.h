// SPDX-License-Identifier: Apache-2.0
//
// Pixel format, size and rate: what a camera makes, and what it is asked to make. `who` begins
// messages. All throw Error: EINVAL for what the camera does not have.
#pragma once

#include <cstdint>
#include <string>

#include "fusefs/base/pixel_format.h"
#include "fusefs/base/rate.h"
#include "fusefs/source/aravis/camera.h"
#include "fusefs/source/aravis/pixel_formats.h"
#include "fusefs/source/options.h"

namespace grabfs {

struct AravisPicture {
  FrameFormat format;                   // as the mount has it
  const GenicamFormat* wire = nullptr;  // as the camera sends it
  uint64_t payload = 0;                 // bytes that it sends for a frame
};

// GenICam's name, or the number of one that we do not have.
std::string PixelFormatName(uint32_t code);
// A camera that is set to a pixel format that we do not have is set to one of its others.
void TakeKnownFormat(AravisCamera& camera, const std::string& who);
AravisPicture ReadPicture(AravisCamera& camera, const std::string& who);
// All of the request or nothing.
void NegotiatePicture(AravisCamera& camera, const std::string& who, const AravisPicture& before,
                      const FormatRequest& request);
// Unlimited: the camera does not tell.
Rate ReadRate(AravisCamera& camera);
void NegotiateRate(AravisCamera& camera, const std::string& who, Rate rate);

}  // namespace grabfs
