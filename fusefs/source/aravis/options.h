// SPDX-License-Identifier: Apache-2.0
//
// The keys that only this source has.
#pragma once

#include <cstdint>
#include <optional>

#include "fusefs/source/source.h"

namespace grabfs {

struct AravisOptions {
  std::optional<int> packet_size = {};  // bytes, headers included; nullopt: the camera's own, tried
  bool resend = true;                   // ask the camera again for packets that were lost
  std::optional<int> socket_buffer = {};  // bytes; nullopt: as large as a frame
  uint32_t packet_timeout_ms = 20;        // a packet that is missing so long is asked for
  uint32_t frame_retention_ms = 100;      // a frame of which nothing more comes has failed
  bool packet_socket = true;              // receive by a ring of packets where that is allowed
  bool software_trigger = true;           // `trigger` triggers the camera, if it can be
  std::optional<int> realtime = {};       // priority of the receiving thread, SCHED_RR
  std::optional<int> nice = {};           // of the receiving thread
};

// Takes them out of `spec`. Throws Error(EINVAL).
AravisOptions TakeAravisOptions(SourceSpec& spec);

}  // namespace grabfs
