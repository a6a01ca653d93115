// SPDX-License-Identifier: Apache-2.0
#include "cli/saver.h"

#include <filesystem>
#include <utility>

#include "cli/output_file.h"

namespace grabfs::cli {
namespace {

bool IsDirectory(const std::string& output) {
  std::error_code ignored;
  return std::filesystem::is_directory(output, ignored);
}

FileFormat Choose(const std::string& output, const std::string& format_name) {
  if (IsDirectory(output) && format_name.empty()) return FileFormat::kPng;
  return ChooseFileFormat(format_name, output);
}

std::string PatternText(const std::string& output, FileFormat format, const std::string& device) {
  if (!IsDirectory(output)) return output;
  const std::string file = device + "-%08d." + std::string(FileFormatName(format));
  return output == "." ? file : (std::filesystem::path(output) / file).string();
}

// Takes the frame over and lets it go with its return.
Bytes ReadAndRelease(Frame frame) { return frame.Read(); }

}  // namespace

Saver::Saver(const std::string& output, const std::string& format_name, const std::string& device)
    : to_stdout_(output == "-"),
      file_format_(Choose(output, format_name)),
      pattern_(PatternText(output, file_format_, device)) {}

Saved Saver::Save(Frame frame) const {
  Saved saved = {frame.info(), pattern_.Expand(frame.info().sequence), {}};
  Bytes contents = Encode(file_format_, saved.info.format, ReadAndRelease(std::move(frame)));
  if (to_stdout_) {
    saved.contents = std::move(contents);
  } else {
    ReplaceFile(saved.file, contents);
  }
  return saved;
}

}  // namespace grabfs::cli
