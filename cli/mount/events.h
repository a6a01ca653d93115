// SPDX-License-Identifier: Apache-2.0
//
// Reads the `events` file of a device, line by line. It contains only what happens after the open,
// so open it before you do what you want to observe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "cli/base/deadline.h"
#include "cli/base/file.h"
#include "cli/mount/readiness.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::cli {

struct Event {
  enum class Kind {
    kFrame,  // frame `sequence` is complete
    kDrop,   // `count` frames from `sequence` on were lost, for `reason`
    kError,  // the transfer of frame `sequence` failed, for `reason`
    kInto,   // frame `sequence` is in `file`, a file of alloc/
    kState,  // the device is now in `state`
    kLost,   // this reader was too slow and missed `count` events
    kOther,  // of a later grabfs
  };
  Kind kind = Kind::kOther;
  uint64_t sequence = 0;
  uint64_t count = 1;
  uint64_t timestamp_ns = 0;
  std::string reason;
  std::string state;
  std::string file;
};

// Throws Error(EPROTO) if `line` is no event.
Event ParseEvent(std::string_view line);

class EventReader {
 public:
  // `device` names it in messages. Throws Error when the file cannot be opened.
  EventReader(const MountFile& file, std::string device);
  // The same with `events`, which does not block; `path` is for messages.
  EventReader(UniqueFd events, std::string path, std::string device);

  // The next event; nullopt: none came in time. Throws NoDeviceError if the device is gone,
  // Error(ENOTCONN) if the daemon is.
  std::optional<Event> Next(const Deadline& deadline);

 private:
  std::optional<std::string> TakeLine();
  // False: nothing came in time.
  bool Fill(const Deadline& deadline);

  std::string device_;
  std::string path_;
  UniqueFd fd_;
  Readiness readiness_;
  std::string pending_;
};

}  // namespace grabfs::cli
