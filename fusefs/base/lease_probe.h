// SPDX-License-Identifier: Apache-2.0
//
// Whether anybody else has a memfd open or mapped: asked by taking a lease, which the kernel grants
// only when nobody has.
#pragma once

#include <string>

#include "fusefs/base/unique_fd.h"

namespace grabfs {

class LeaseProbe {
 public:
  // Opens the file of `memfd` once more. Throws Error that begins with `what`.
  LeaseProbe(int memfd, const std::string& what);

  // True when nobody else has the file open or mapped; false also when that cannot be told. About
  // 10 us, in which an open of the file by somebody else would have to wait.
  [[nodiscard]] bool Idle() const;

 private:
  UniqueFd fd_;
};

}  // namespace grabfs
