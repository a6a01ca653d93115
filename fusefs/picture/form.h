// SPDX-License-Identifier: Apache-2.0
//
// The forms in which frames become pictures that other programs open by themselves: one table for
// the mount, grabfs-cli and display devices.
//
//     pnm   PGM of a grey frame, PPM of any other
//     tiff  one uncompressed page in one strip
//     npy   NumPy's array: (rows, columns) or (rows, columns, 3), uint8 or uint16; samples begin at
//           a multiple of 64 bytes, so that they can be mapped
//     bmp   Windows' bitmap, of 8 bits a sample
//     jpg   JPEG: what a camera makes of it as it is, others of quality 90, 8 bits a sample
//     png   Portable Network Graphics
//     pgm   grey, whatever the frame is
//     ppm   RGB, whatever the frame is
//
// Samples are those of Convert(). Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "fusefs/base/pixel_format.h"
#include "fusefs/picture/image.h"

namespace grabfs {

// The number of a form in the table; inode numbers of the mount contain it.
enum class PictureForm : uint32_t {};

// The forms that the mount shows, in the order in which it lists them: those that keep the colours
// of a frame, and whose file size is known in advance, because stat() needs it. So jpg is shown of
// cameras that make it.
std::span<const PictureForm> PictureForms();
// All forms; those of the mount come first.
std::span<const PictureForm> AllPictureForms();
// "pnm"; also the extension of files.
std::string_view PictureFormName(PictureForm form);
// By name; nullopt: there is none.
std::optional<PictureForm> FindPictureForm(std::string_view name);
// "pnm tiff ...": all of them, for messages.
std::string PictureFormNames();

// The form for who has no wish; nullopt: frames of this format have none.
std::optional<PictureForm> UsualPictureForm(Fourcc fourcc);

// Does the mount show a frame of `used` bytes in this form? Frames are whole, or none is shown.
bool CanShow(PictureForm form, const FrameFormat& format, uint64_t used);

// Of frames that CanShow().
uint64_t PictureBytes(PictureForm form, const FrameFormat& format, uint64_t used);
// A whole file; of PictureBytes() where that is known. Throws Error.
Bytes EncodePicture(PictureForm form, const FrameFormat& format, std::span<const uint8_t> pixels);

}  // namespace grabfs
