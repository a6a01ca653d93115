// SPDX-License-Identifier: Apache-2.0
//
// A clip that exists in memory only, and the promise of every clip that opens: its frames are
// there.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

#include "fusefs/base/unique_fd.h"
#include "fusefs/source/software/clip.h"
#include "tests/fuzz/fuzz.h"

namespace grabfs::fuzz {

class ClipFile {
 public:
  explicit ClipFile(std::string_view contents)
      : file_(CheckSyscall(::memfd_create("clip", MFD_CLOEXEC), "memfd_create")) {
    Require(::write(file_.get(), contents.data(), contents.size()) ==
            static_cast<ssize_t>(contents.size()));
  }

  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(file_.get()); }

 private:
  UniqueFd file_;
};

inline void ReadEveryFrame(const Clip& clip) {
  std::vector<std::byte> frame(clip.format().bytes);
  for (uint64_t i = 0; i < clip.frames(); ++i) clip.Read(i, frame);
}

}  // namespace grabfs::fuzz
