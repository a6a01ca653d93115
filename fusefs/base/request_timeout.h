// SPDX-License-Identifier: Apache-2.0
//
// Since Linux 6.14 the kernel can abort every FUSE mount that leaves a request unanswered for too
// long (sysctl fs.fuse). grabfs leaves requests unanswered on purpose: reads that wait for a frame.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace grabfs {

inline constexpr char kFuseSysctls[] = "/proc/sys/fs/fuse";

// The timeout in seconds that the daemon asks for in FUSE_INIT: the longest there is if
// fs.fuse.default_request_timeout is set, else 0, which means none.
uint16_t WantedRequestTimeout(const std::string& sysctls = kFuseSysctls);

// A text for the log if the kernel would abort the mount all the same, with what to do.
std::optional<std::string> RequestTimeoutWarning(const std::string& sysctls = kFuseSysctls);

}  // namespace grabfs
