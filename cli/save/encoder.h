// SPDX-License-Identifier: Apache-2.0
//
// The file forms in which frames can be saved: the picture forms, and raw, which is the unchanged
// bytes of a frame.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fusefs/picture/form.h"

namespace grabfs::cli {

// nullopt: raw.
using FileForm = std::optional<PictureForm>;

// Chosen by name ("png") or, when that is empty, by the extension of the file; "-" is standard
// output and raw. Throws UsageError that names the forms there are.
FileForm ChooseFileForm(const std::string& name, const std::string& file);

// All names, in the order of the help.
std::vector<std::string_view> FileFormNames();

// "raw", "png"; also the extension of files.
std::string_view FileFormName(FileForm form);

// The whole file. Throws Error.
Bytes Encode(FileForm form, const FrameFormat& format, std::span<const uint8_t> pixels);

}  // namespace grabfs::cli
