// SPDX-License-Identifier: Apache-2.0
#include "fusefs/picture/form.h"

#include <array>
#include <utility>

#include "fusefs/picture/npy.h"
#include "fusefs/picture/pnm.h"
#include "fusefs/picture/tiff.h"

namespace grabfs {
namespace {

constexpr std::array kForms = {PictureForm::kPnm, PictureForm::kTiff, PictureForm::kNpy};

// Of a file beside its samples.
uint64_t OverheadBytes(PictureForm form, const Image& shape) {
  switch (form) {
    case PictureForm::kPnm:
      return PnmHeader(shape).size();
    case PictureForm::kTiff:
      return TiffOverheadBytes(shape);
    case PictureForm::kNpy:
      return NpyHeader(shape).size();
  }
  return 0;
}

}  // namespace

std::span<const PictureForm> PictureForms() { return kForms; }

std::string_view PictureFormName(PictureForm form) {
  switch (form) {
    case PictureForm::kPnm:
      return "pnm";
    case PictureForm::kTiff:
      return "tiff";
    case PictureForm::kNpy:
      return "npy";
  }
  return "";
}

bool CanShow(const FrameFormat& format) { return CanConvert(format.fourcc); }

uint64_t PictureBytes(PictureForm form, const FrameFormat& format) {
  const Image shape = ShapeOf(format);
  return OverheadBytes(form, shape) + shape.row_bytes() * shape.height;
}

Bytes EncodePicture(PictureForm form, const FrameFormat& format, std::span<const uint8_t> pixels) {
  Image image = Convert(format, pixels);
  switch (form) {
    case PictureForm::kPnm:
      return EncodePnm(std::move(image));
    case PictureForm::kTiff:
      return EncodeTiff(std::move(image));
    case PictureForm::kNpy:
      return EncodeNpy(std::move(image));
  }
  return {};
}

}  // namespace grabfs
