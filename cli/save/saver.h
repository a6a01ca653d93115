// SPDX-License-Identifier: Apache-2.0
//
// Saves a frame: encodes it and writes the file.
#pragma once

#include <string>

#include "cli/mount/frame.h"
#include "cli/save/encoder.h"
#include "cli/save/name_pattern.h"

namespace grabfs::cli {

struct Saved {
  uint64_t sequence;
  uint64_t timestamp_ns;
  uint64_t dropped;  // frames, directly before it
  FrameFormat format;
  std::string file;
  Bytes contents;  // only for standard output
};

class Saver {
 public:
  // `output`: a name with or without %d, "-", or an existing directory, in which files are named
  // DEVICE-SEQUENCE.FORMAT: PNG, unless a format is named. Throws UsageError.
  Saver(const std::string& output, const std::string& format_name, const std::string& device);

  [[nodiscard]] bool to_stdout() const { return to_stdout_; }
  // Can every frame have a file of its own?
  [[nodiscard]] bool takes_many() const { return to_stdout_ || pattern_.varies(); }

  // Threads: any. Throws Error.
  [[nodiscard]] Saved Save(const grabfs::Frame& frame) const;

 private:
  bool to_stdout_;
  FileForm form_;
  NamePattern pattern_;
};

}  // namespace grabfs::cli
