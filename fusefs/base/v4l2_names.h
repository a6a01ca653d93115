// SPDX-License-Identifier: Apache-2.0
//
// Names of V4L2's enum values, for people and scripts: those of v4l-utils, in lower case. nullopt:
// 0, which means unknown, or a value that is newer than this table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace grabfs {

std::optional<std::string> V4l2FieldName(uint32_t field);
std::optional<std::string> V4l2ColorspaceName(uint32_t colorspace);
std::optional<std::string> V4l2TransferName(uint32_t transfer);
std::optional<std::string> V4l2EncodingName(uint32_t encoding);
std::optional<std::string> V4l2QuantizationName(uint32_t quantization);
// The clock of a time stamp and the event that it marks, from V4L2_BUF_FLAG_*: "monotonic, end of
// frame", "copy, start of exposure", "unknown, end of frame".
std::string V4l2ClockName(uint32_t flags);

}  // namespace grabfs
