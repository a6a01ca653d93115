// SPDX-License-Identifier: Apache-2.0
#include "cli/mount/frame.h"

namespace grabfs::cli {
namespace {

constexpr grabfs::Device::Timeout kNow{0};

}  // namespace

FrameFormat FormatOf(const grabfs::Frame& frame) {
  return {.fourcc = frame->fourcc,
          .width = frame->width,
          .height = frame->height,
          .stride = frame->stride,
          .bytes = frame->bytes};
}

std::optional<grabfs::Frame> FindFrame(const Device& device, std::optional<uint64_t> sequence) {
  grabfs::Device camera = OpenCamera(device);
  return WithErrors([&]() -> std::optional<grabfs::Frame> {
    if (!sequence) return camera.Newest(kNow);
    camera.Seek(*sequence);
    std::optional<grabfs::Frame> frame = camera.Each(kNow);  // or the first one behind it
    if (frame && (*frame)->sequence != *sequence) frame.reset();
    return frame;
  });
}

}  // namespace grabfs::cli
