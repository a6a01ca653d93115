// SPDX-License-Identifier: Apache-2.0
#include "cli/save/encoder.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iterator>
#include <utility>

#include "cli/base/exit_code.h"

namespace grabfs::cli {
namespace {

constexpr std::string_view kRaw = "raw";

// Other programs' names.
constexpr std::pair<std::string_view, std::string_view> kAliases[] = {{"jpeg", "jpg"},
                                                                      {"tif", "tiff"}};

// As files are called by those who shout, too.
std::string OurName(std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto* const alias = std::ranges::find(kAliases, std::string_view(name),
                                              [](const auto& pair) { return pair.first; });
  return alias == std::end(kAliases) ? name : std::string(alias->second);
}

}  // namespace

FileForm ChooseFileForm(const std::string& name, const std::string& file) {
  if (name.empty() && file == "-") return std::nullopt;
  const std::string extension = std::filesystem::path(file).extension().string();
  const std::string wanted =
      OurName(!name.empty() || extension.empty() ? name : extension.substr(1));
  if (wanted == kRaw) return std::nullopt;
  if (const auto form = FindPictureForm(wanted)) return form;
  const std::string problem =
      wanted.empty() ? file + ": no extension tells the format" : wanted + ": unknown file format";
  throw UsageError(problem + "; choose by extension or --format one of raw " + PictureFormNames());
}

std::vector<std::string_view> FileFormNames() {
  std::vector<std::string_view> names = {kRaw};
  for (const PictureForm form : AllPictureForms()) names.push_back(PictureFormName(form));
  return names;
}

std::string_view FileFormName(FileForm form) { return form ? PictureFormName(*form) : kRaw; }

Bytes Encode(FileForm form, const FrameFormat& format, std::span<const uint8_t> pixels) {
  return form ? EncodePicture(*form, format, pixels) : Bytes(pixels.begin(), pixels.end());
}

}  // namespace grabfs::cli
