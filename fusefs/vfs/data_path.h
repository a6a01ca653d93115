// SPDX-License-Identifier: Apache-2.0
//
// How readers get the pixels: what status.json and doctor show.
#pragma once

#include <string>

namespace grabfs {

struct DataPath {
  bool passthrough = false;
  std::string reason;
  // What the daemon knows of a device's pixels in flight in pipes and sockets:
  //   copied    pipes and sockets have copies, in the kernel's page cache
  //   watched   they have the buffers' pages; fanotify reports which frames were read
  //   assumed   they have the buffers' pages; every frame that was opened counts as in flight
  //   seen      they have the buffers' pages; the memory itself sees them (Memory::SeesPages())
  std::string in_flight = "copied";

  // The mount gives file handles (name_to_handle_at), so that it can be exported. With passthrough
  // this excludes "watched": fanotify does not report reads of files that were opened by handle.
  bool handles = false;

  friend bool operator==(const DataPath&, const DataPath&) = default;
};

}  // namespace grabfs
