// SPDX-License-Identifier: Apache-2.0
//
// The twins on tmpfs that the files of grabfs are compared with.
#pragma once

#include <cstdint>
#include <string>

#include "tests/mount/differential/side.h"

namespace grabfs::differential {

class Oracle {
 public:
  // Makes files of this size in a new directory inside `directory`, which must be on a tmpfs.
  // Throws Error. They go with this object.
  Oracle(const std::string& directory, uint64_t bytes);
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;
  ~Oracle();

  [[nodiscard]] const Paths& paths() const { return paths_; }
  [[nodiscard]] bool KnowsDirect() const;

 private:
  std::string directory_;
  Paths paths_;
};

}  // namespace grabfs::differential
