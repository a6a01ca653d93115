// SPDX-License-Identifier: Apache-2.0
#include "cli/encoder.h"

#include <array>
#include <filesystem>
#include <optional>
#include <utility>

#include "cli/exit_code.h"
#include "fusefs/picture/png.h"
#include "fusefs/picture/pnm.h"

namespace grabfs::cli {
namespace {

constexpr std::array<std::pair<std::string_view, FileFormat>, 5> kFormats = {{
    {"raw", FileFormat::kRaw},
    {"pgm", FileFormat::kPgm},
    {"ppm", FileFormat::kPpm},
    {"pnm", FileFormat::kPnm},
    {"png", FileFormat::kPng},
}};

std::optional<FileFormat> FindFormat(std::string_view name) {
  for (const auto& [known, format] : kFormats) {
    if (known == name) return format;
  }
  return std::nullopt;
}

}  // namespace

FileFormat ChooseFileFormat(const std::string& name, const std::string& file) {
  if (name.empty() && file == "-") return FileFormat::kRaw;
  const std::string extension = std::filesystem::path(file).extension().string();
  const std::string wanted = !name.empty() || extension.empty() ? name : extension.substr(1);
  if (const auto format = FindFormat(wanted)) return *format;
  const std::string problem =
      wanted.empty() ? file + ": no extension tells the format" : wanted + ": unknown file format";
  throw UsageError(problem + "; choose raw, pgm, ppm, pnm or png by extension or --format");
}

std::vector<std::string_view> FileFormatNames() {
  std::vector<std::string_view> names;
  for (const auto& [name, format] : kFormats) names.push_back(name);
  return names;
}

std::string_view FileFormatName(FileFormat format) {
  for (const auto& [name, known] : kFormats) {
    if (known == format) return name;
  }
  return "";
}

Bytes Encode(FileFormat file_format, const FrameFormat& format, Bytes pixels) {
  switch (file_format) {
    case FileFormat::kPgm:
      return EncodePnm(ConvertToGrey(format, pixels));
    case FileFormat::kPpm:
      return EncodePnm(ConvertToRgb(format, pixels));
    case FileFormat::kPnm:
      return EncodePnm(Convert(format, pixels));
    case FileFormat::kPng:
      return EncodePng(Convert(format, pixels));
    case FileFormat::kRaw:
      break;
  }
  return pixels;
}

}  // namespace grabfs::cli
