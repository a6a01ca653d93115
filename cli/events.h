// SPDX-License-Identifier: Apache-2.0
//
// The `events` file of a device, line by line. Only what happens after the file was opened is in
// it, so open it before doing what is to be observed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "cli/deadline.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::cli {

struct Event {
  enum class Kind {
    kFrame,  // frame `sequence` is complete
    kDrop,   // `count` frames from `sequence` on were lost, for `reason`
    kError,  // the transfer of frame `sequence` failed, for `reason`
    kInto,   // frame `sequence` is in memory of a user's own, `file`
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

// Throws Error(EPROTO) when `line` is no event.
Event ParseEvent(std::string_view line);

class EventReader {
 public:
  // `device` names it in messages. Throws Error when the file cannot be opened.
  EventReader(const std::filesystem::path& file, std::string device);

  // The next event, or nullopt when none came in time. Throws NoDeviceError when the device has
  // gone away, Error(ENOTCONN) when the daemon has.
  std::optional<Event> Next(const Deadline& deadline);

  // For poll(): readable when Next() may have something new.
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  std::optional<std::string> TakeLine();
  // False when nothing came in time.
  bool Fill(const Deadline& deadline);

  std::string device_;
  std::string path_;
  UniqueFd fd_;
  std::string pending_;
};

}  // namespace grabfs::cli
