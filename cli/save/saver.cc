// SPDX-License-Identifier: Apache-2.0
#include "cli/save/saver.h"

#include <filesystem>
#include <utility>

#include "cli/save/output_file.h"

namespace grabfs::cli {
namespace {

bool IsDirectory(const std::string& output) {
  std::error_code ignored;
  return std::filesystem::is_directory(output, ignored);
}

FileForm Choose(const std::string& output, const std::string& format_name) {
  const bool unnamed = format_name.empty() && IsDirectory(output);
  return ChooseFileForm(unnamed ? "png" : format_name, output);
}

std::string PatternText(const std::string& output, FileForm form, const std::string& device) {
  if (!IsDirectory(output)) return output;
  const std::string file = device + "-%08d." + std::string(FileFormName(form));
  return output == "." ? file : (std::filesystem::path(output) / file).string();
}

}  // namespace

Saver::Saver(const std::string& output, const std::string& format_name, const std::string& device)
    : to_stdout_(output == "-"),
      form_(Choose(output, format_name)),
      pattern_(PatternText(output, form_, device)) {}

Saved Saver::Save(const grabfs::Frame& frame) const {
  Saved saved = {.sequence = frame->sequence,
                 .timestamp_ns = frame->timestamp_ns,
                 .dropped = frame->dropped,
                 .format = FormatOf(frame),
                 .file = pattern_.Expand(frame->sequence),
                 .contents = {}};
  Bytes contents = Encode(form_, saved.format, PixelsOf(frame));
  if (to_stdout_) {
    saved.contents = std::move(contents);
  } else {
    ReplaceFile(saved.file, contents);
  }
  return saved;
}

}  // namespace grabfs::cli
