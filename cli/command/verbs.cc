// SPDX-License-Identifier: Apache-2.0
//
// The table of verbs. Each is defined in verbs/NAME.cc.
#include <array>

#include "cli/command/verb.h"

namespace grabfs::cli {

extern const VerbEntry kListVerb;
extern const VerbEntry kInfoVerb;
extern const VerbEntry kGetVerb;
extern const VerbEntry kSetVerb;
extern const VerbEntry kCaptureVerb;
extern const VerbEntry kTriggerVerb;
extern const VerbEntry kStartVerb;
extern const VerbEntry kStopVerb;
extern const VerbEntry kWaitVerb;
extern const VerbEntry kEachVerb;
extern const VerbEntry kSaveVerb;
extern const VerbEntry kStreamVerb;
extern const VerbEntry kRecordVerb;
extern const VerbEntry kHoldVerb;
extern const VerbEntry kAllocVerb;
extern const VerbEntry kFreeVerb;
extern const VerbEntry kStatsVerb;
extern const VerbEntry kMonitorVerb;
extern const VerbEntry kWebVerb;
extern const VerbEntry kMountVerb;
extern const VerbEntry kUmountVerb;
extern const VerbEntry kDoctorVerb;

namespace {

constexpr std::array kVerbs = {
    &kListVerb,   &kInfoVerb,  &kGetVerb,    &kSetVerb,    &kCaptureVerb, &kTriggerVerb,
    &kStartVerb,  &kStopVerb,  &kWaitVerb,   &kEachVerb,   &kSaveVerb,    &kStreamVerb,
    &kRecordVerb, &kHoldVerb,  &kAllocVerb,  &kFreeVerb,   &kStatsVerb,   &kMonitorVerb,
    &kWebVerb,    &kMountVerb, &kUmountVerb, &kDoctorVerb,
};

}  // namespace

std::span<const VerbEntry* const> Verbs() { return kVerbs; }

}  // namespace grabfs::cli
