// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/stream_encoder.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/picture/planar.h"
#include "fusefs/picture/y4m.h"

namespace grabfs {

StreamChunk PassOn(HeldFrame frame) {
  const auto owner = std::make_shared<const HeldFrame>(std::move(frame));
  return {owner, owner->bytes()};
}

bool CanEncodeY4m(const FrameFormat& format) {
  const auto planar = PlanarFourcc(format.fourcc);
  return planar && IsY4mFormat(*planar);
}

StreamChunk EncodeY4m(const HeldFrame& frame, bool first, Rate rate) {
  const FrameFormat& format = frame.format();
  if (frame.bytes().size() < format.bytes) {
    throw Error(EIO, "frame " + std::to_string(frame.info().sequence) + " is not whole");
  }
  const FrameFormat planar =
      MakeFrameFormat(PlanarFourcc(format.fourcc).value(), format.width, format.height);
  std::string text = first ? PrintY4mHeader(planar, rate) : std::string();
  text += kY4mFrameHeader;
  const auto bytes = std::make_shared<std::vector<std::byte>>(text.size() + planar.bytes);
  std::ranges::copy(std::as_bytes(std::span(text)), bytes->begin());
  ToPlanar(format, frame.bytes(), std::span(*bytes).subspan(text.size()));
  return {bytes, *bytes};
}

}  // namespace grabfs
