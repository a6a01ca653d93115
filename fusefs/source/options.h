// SPDX-License-Identifier: Apache-2.0
//
// Parses the keys that most sources share. Each function removes the keys that it parses from the
// SourceSpec. All throw Error(EINVAL) naming the key and the value.
#pragma once

#include <optional>
#include <string>

#include "fusefs/source/source.h"

namespace grabfs {

// The value of `key`; nullopt when it was not given.
std::optional<std::string> TakeOption(SourceSpec& spec, const std::string& key);
// format, width and height.
FormatRequest TakeFormatOptions(SourceSpec& spec);
// rate.
std::optional<Rate> TakeRateOption(SourceSpec& spec);

// `current` with what `request` changes.
FrameFormat ApplyRequest(const FrameFormat& current, const FormatRequest& request);

}  // namespace grabfs
