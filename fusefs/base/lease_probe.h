// SPDX-License-Identifier: Apache-2.0
//
// Finds out whether anybody else has a memfd open or mapped. It tries to take a lease (fcntl(2),
// F_SETLEASE), which the kernel grants only when nobody has.
#pragma once

#include <string>

#include "fusefs/base/unique_fd.h"

namespace grabfs {

class LeaseProbe {
 public:
  // Opens the file of `memfd` once more. Throws Error that begins with `what`.
  LeaseProbe(int memfd, const std::string& what);

  // True when nobody else has the file open or mapped; false also when the kernel refuses the lease
  // for another reason. Takes about 10 us; an open(2) of the file waits meanwhile.
  [[nodiscard]] bool Idle() const;

 private:
  UniqueFd fd_;
};

}  // namespace grabfs
