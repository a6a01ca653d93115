// SPDX-License-Identifier: Apache-2.0
//
// The formats in which frames can be saved, and the choice among them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fusefs/picture/image.h"

namespace grabfs::cli {

enum class FileFormat {
  kRaw,  // the bytes of the frame as they are
  kPgm,  // grey, whatever the frame is
  kPpm,  // RGB, whatever the frame is
  kPnm,  // PGM of a grey frame, PPM of any other
  kPng,  // grey or RGB, as the frame is
};

// Chosen by name ("png") or, when that is empty, by the extension of the file; "-" is standard
// output and raw. Throws UsageError that names the formats there are.
FileFormat ChooseFileFormat(const std::string& name, const std::string& file);

// All names, in the order in which help shows them.
std::vector<std::string_view> FileFormatNames();

// "raw", "png": the name is the extension, too.
std::string_view FileFormatName(FileFormat format);

// The whole file. Throws Error.
Bytes Encode(FileFormat file_format, const FrameFormat& format, Bytes pixels);

}  // namespace grabfs::cli
