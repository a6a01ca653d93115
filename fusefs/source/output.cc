// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/output.h"

#include <cerrno>

#include "fusefs/base/error.h"
#include "fusefs/source/options.h"

namespace grabfs {

FrameFormat OutputSource::OnSetFormat(const FormatRequest& request) {
  return ApplyRequest(format(), request);
}

Memory& OutputSource::Bound(uint32_t buffer) const {
  if (buffer < buffers_.size()) return *buffers_[buffer];
  throw Error(EINVAL, "present: there is no buffer " + std::to_string(buffer));
}

}  // namespace grabfs
