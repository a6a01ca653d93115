// SPDX-License-Identifier: Apache-2.0
//
// Frames into files: one held frame read, encoded and written under its name.
#pragma once

#include <string>

#include "cli/encoder.h"
#include "cli/frame.h"
#include "cli/name_pattern.h"

namespace grabfs::cli {

struct Saved {
  FrameInfo info;
  std::string file;
  Bytes contents;  // only when they go to standard output
};

class Saver {
 public:
  // `output`: a name with or without %d, "-", or an existing directory, in which files are named
  // DEVICE-SEQUENCE.FORMAT. Throws UsageError.
  Saver(const std::string& output, const std::string& format_name, const std::string& device);

  [[nodiscard]] bool to_stdout() const { return to_stdout_; }
  // Can every frame have a file of its own?
  [[nodiscard]] bool takes_many() const { return to_stdout_ || pattern_.varies(); }
  [[nodiscard]] FileFormat file_format() const { return file_format_; }

  // Holds the frame no longer than it takes to read it. For any thread. Throws Error.
  [[nodiscard]] Saved Save(Frame frame) const;

 private:
  bool to_stdout_;
  FileFormat file_format_;
  NamePattern pattern_;
};

}  // namespace grabfs::cli
