// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/stream_converter.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <span>
#include <utility>

#include "fusefs/picture/jpeg.h"
#include "fusefs/picture/planar.h"
#include "fusefs/picture/y4m.h"

namespace grabfs {

bool CanConvertToY4m(const FrameFormat& format) { return PlanarFormat(format).has_value(); }

std::string Y4mStreamHeader(const FrameFormat& format, Rate rate) {
  return PrintY4mHeader(PlanarFormat(format).value(), rate);
}

std::vector<std::byte> ConvertToY4m(const HeldFrame& frame) {
  const FrameFormat& format = frame.format();
  if (!IsWhole(format, frame.bytes().size())) {
    throw Error(EIO, "frame " + std::to_string(frame.info().sequence) + " is not whole");
  }
  std::vector<std::byte> bytes(kY4mFrameHeader.size() + PlanarFormat(format).value().bytes);
  std::ranges::copy(std::as_bytes(std::span(kY4mFrameHeader)), bytes.begin());
  ToPlanar(format, frame.bytes(), std::span(bytes).subspan(kY4mFrameHeader.size()));
  return bytes;
}

const StreamConverter::Converted* StreamConverter::Get(const std::shared_ptr<SharedFrame>& frame,
                                                       std::function<void()> ready) {
  {
    const std::lock_guard lock(mutex_);
    const bool begun = frame->attachment != nullptr;
    if (!begun) frame->attachment = std::make_shared<Work>();
    Work& work = *static_cast<Work*>(frame->attachment.get());
    if (work.result) return &*work.result;
    work.waiting.push_back(std::move(ready));
    if (begun) return nullptr;
  }
  threads_.Post([this, frame] { Make(frame); });
  const std::lock_guard lock(mutex_);
  const Work& work = *static_cast<Work*>(frame->attachment.get());
  return work.result ? &*work.result : nullptr;  // after Stop() the task has run already
}

void StreamConverter::Make(const std::shared_ptr<SharedFrame>& frame) {
  Converted converted;
  try {
    converted.bytes = convert_(frame->held);
  } catch (...) {
    // Whatever it was: readers wait for a result.
    converted.failure = ErrorFrom(std::current_exception());
  }
  std::vector<std::function<void()>> waiting;
  {
    const std::lock_guard lock(mutex_);
    Work& work = *static_cast<Work*>(frame->attachment.get());
    work.result = std::move(converted);
    waiting.swap(work.waiting);
  }
  for (const auto& ready : waiting) ready();
}

}  // namespace grabfs
