// SPDX-License-Identifier: Apache-2.0
//
// The keys that most sources share, taken out of a SourceSpec: what has been understood is gone
// from its options afterwards. All throw Error(EINVAL) naming the key and the value.
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
