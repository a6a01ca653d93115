// SPDX-License-Identifier: Apache-2.0
//
// Frames as files: functions that frames/, pictures, buffers and streams share.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "fusefs/capture/frame_streams.h"
#include "fusefs/vfs/kinds/kind.h"

namespace grabfs {

// `place`: of the frame, or of a picture of it.
Attr FrameAttr(const Place& place, const FrameInfo& info, uint64_t bytes);
// The attributes of a directory of frames.
Attr FramesDirAttr(const Place& place, const DeviceNode& node);

using FormatAndInfo = std::pair<FrameFormat, FrameInfo>;
// nullopt: there is no such frame; GetFrame() throws Error(ESTALE) then.
std::optional<FormatAndInfo> FindFrame(const Place& place, uint64_t sequence);
FormatAndInfo GetFrame(const Place& place, uint64_t sequence);

// A kind whose files contain a frame, which extended attributes describe.
class KindWithFrame : public Kind {
 public:
  [[nodiscard]] Content content() const final { return Content::kPictures; }
  // nullopt: there is no frame in it now.
  [[nodiscard]] virtual std::optional<FormatAndInfo> FrameIn(const Place& place) const = 0;

  [[nodiscard]] std::string XattrNames(const Place& place) const final;
  [[nodiscard]] std::optional<std::string> Xattr(const Place& place,
                                                 std::string_view name) const final;

 protected:
  ~KindWithFrame() = default;
};

struct NewestFrame {
  std::shared_ptr<Pool> pool;  // that it is in
  FrameInfo info;
};
// For a lookup of latest.*: holds the frame for the caller's open if necessary (LookupHolds).
// Throws Error(ENODEV) if the device is gone.
std::optional<NewestFrame> FindNewest(const Place& place);
// For a listing: holds nothing; nullopt also if the device is gone.
std::optional<NewestFrame> ShowNewest(const Place& place);

// A frame that is held for an open; `share` counts for the caller (may be null).
struct FrameOpening {
  std::shared_ptr<Pool> pool;
  Ring::Frame frame;
  std::unique_ptr<HoldLimit::Share> share;
};
// Throws Error: ESTALE when it has gone, EDQUOT.
FrameOpening HoldForOpen(const Place& place, DeviceNode& node, uint64_t sequence);

// Checks whether the caller may hold one more frame of a device.
FrameStreams::Permit PermitFor(const Place& place);

}  // namespace grabfs
