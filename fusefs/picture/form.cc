// SPDX-License-Identifier: Apache-2.0
#include "fusefs/picture/form.h"

#include <algorithm>
#include <array>

#include "fusefs/picture/bmp.h"
#include "fusefs/picture/jpeg.h"
#include "fusefs/picture/npy.h"
#include "fusefs/picture/png.h"
#include "fusefs/picture/pnm.h"
#include "fusefs/picture/tiff.h"

namespace grabfs {
namespace {

struct Row {
  std::string_view name;
  Colours colours;
  uint64_t (*file_bytes)(const Image& shape);  // nullptr: not known before the file is made
  Bytes (*encode)(Image image);
  bool of_cameras = false;  // frames may be it

  [[nodiscard]] constexpr bool in_mount() const {
    return (file_bytes != nullptr && colours == Colours::kAsTheyAre) || of_cameras;
  }
  [[nodiscard]] constexpr bool is(const FrameFormat& format) const {
    return of_cameras && IsJpeg(format.fourcc);
  }
};

constexpr std::array kTable = {
    Row{"pnm", Colours::kAsTheyAre, PnmBytes, EncodePnm},
    Row{"tiff", Colours::kAsTheyAre, TiffBytes, EncodeTiff},
    Row{"npy", Colours::kAsTheyAre, NpyBytes, EncodeNpy},
    Row{"bmp", Colours::kAsTheyAre, BmpBytes, EncodeBmp},
    Row{"jpg", Colours::kAsTheyAre, nullptr, EncodeJpeg, true},
    Row{"png", Colours::kAsTheyAre, nullptr, EncodePng},
    Row{"pgm", Colours::kToGrey, PnmBytes, EncodePnm},
    Row{"ppm", Colours::kToRgb, PnmBytes, EncodePnm},
};
static_assert(std::ranges::is_partitioned(kTable, &Row::in_mount));

constexpr auto kForms = [] {
  std::array<PictureForm, kTable.size()> forms;
  for (uint32_t i = 0; i < forms.size(); ++i) forms[i] = PictureForm{i};
  return forms;
}();

const Row& RowOf(PictureForm form) { return kTable[static_cast<uint32_t>(form)]; }

}  // namespace

std::span<const PictureForm> PictureForms() {
  constexpr auto kCount = std::ranges::count_if(kTable, &Row::in_mount);
  return std::span(kForms).first<kCount>();
}

std::span<const PictureForm> AllPictureForms() { return kForms; }

std::string_view PictureFormName(PictureForm form) { return RowOf(form).name; }

std::optional<PictureForm> FindPictureForm(std::string_view name) {
  const auto* const row = std::ranges::find(kTable, name, &Row::name);
  if (row == kTable.end()) return std::nullopt;
  return PictureForm(row - kTable.begin());
}

std::string PictureFormNames() {
  std::string names;
  for (const Row& row : kTable) names.append(names.empty() ? "" : " ").append(row.name);
  return names;
}

std::optional<PictureForm> UsualPictureForm(Fourcc fourcc) {
  if (IsJpeg(fourcc)) return FindPictureForm("jpg");
  if (FindPixelFormat(fourcc) != nullptr) return kForms.front();
  return std::nullopt;
}

bool CanShow(PictureForm form, const FrameFormat& format, uint64_t used) {
  const Row& row = RowOf(form);
  if (row.file_bytes == nullptr && !row.is(format)) return false;
  return IsWhole(format, used) && CanConvert(format);
}

uint64_t PictureBytes(PictureForm form, const FrameFormat& format, uint64_t used) {
  const Row& row = RowOf(form);
  return row.is(format) ? used : row.file_bytes(ShapeOf(format, row.colours));
}

Bytes EncodePicture(PictureForm form, const FrameFormat& format, std::span<const uint8_t> pixels) {
  const Row& row = RowOf(form);
  if (row.is(format)) return {pixels.begin(), pixels.end()};
  return row.encode(Convert(format, pixels, row.colours));
}

}  // namespace grabfs
