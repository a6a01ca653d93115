// SPDX-License-Identifier: Apache-2.0
//
// The forms in which the mount offers frames to programs that open pictures by themselves, with the
// exact size of each file before there is one: stat() needs it.
//
//     pnm   PGM or PPM
//     tiff  one uncompressed page in one strip
//     npy   NumPy's array: (rows, columns) or (rows, columns, 3), uint8 or uint16; samples begin at
//           a multiple of 64 bytes, so that they can be mapped
//
// Samples are those of Convert(): grey or R G B. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "fusefs/base/pixel_format.h"
#include "fusefs/picture/image.h"

namespace grabfs {

enum class PictureForm { kPnm, kTiff, kNpy };

// In the order in which they are listed.
std::span<const PictureForm> PictureForms();
// "pnm": the extension of files, too.
std::string_view PictureFormName(PictureForm form);

// Can frames of this format be converted at all?
bool CanShow(const FrameFormat& format);

// For formats that CanShow():
uint64_t PictureBytes(PictureForm form, const FrameFormat& format);
// A file of exactly that size. Throws Error.
Bytes EncodePicture(PictureForm form, const FrameFormat& format, std::span<const uint8_t> pixels);

}  // namespace grabfs
