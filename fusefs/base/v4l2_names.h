// SPDX-License-Identifier: Apache-2.0
//
// What V4L2's numbers are called, for people and scripts: the names of v4l-utils, in lower case.
// nullopt: 0, which means that nothing is known, or a number younger than this table.
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
// The clock of a time stamp and the moment that it is of, from V4L2_BUF_FLAG_*: "monotonic, end of
// frame", "copy, start of exposure", "unknown, end of frame".
std::string V4l2ClockName(uint32_t flags);

}  // namespace grabfs
