// SPDX-License-Identifier: Apache-2.0
//
// Captures from a camera by Aravis, which receives into the buffers themselves.
//
//                 Queue                 frame
//     (ring) ──────────────▶ Aravis ──────────────▶ Judge ──▶ (ring)
//                              │ no buffer: the frame is lost, which the next frame's id tells
//
// A stream lives from Start to Stop. The camera is told to begin when it has its first buffers, so
// that no frame is lost before.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fusefs/source/aravis/camera.h"
#include "fusefs/source/aravis/controls.h"
#include "fusefs/source/aravis/landing.h"
#include "fusefs/source/aravis/negotiation.h"
#include "fusefs/source/aravis/numbers.h"
#include "fusefs/source/aravis/options.h"
#include "fusefs/source/aravis/stream.h"
#include "fusefs/source/aravis/trigger.h"
#include "fusefs/source/source.h"
#include "fusefs/source/wakeups.h"

namespace grabfs {

class AravisSource final : public Source {
 public:
  AravisSource(std::shared_ptr<AravisCamera> camera, const AravisOptions& options,
               const FormatRequest& request);
  ~AravisSource() override { CloseStream(); }

  [[nodiscard]] std::string description() const override { return "aravis:" + id(); }
  [[nodiscard]] int event_fd() const override { return wakeups_.fd(); }
  [[nodiscard]] std::map<std::string, std::string> Settings() const override;
  [[nodiscard]] std::shared_ptr<Controls> controls() const override { return controls_; }

 protected:
  FrameFormat OnSetFormat(const FormatRequest& request) override;
  void OnSetRate(Rate rate) override;
  void OnBind(const std::vector<std::shared_ptr<Memory>>& buffers) override;
  void OnAttach(uint32_t buffer, std::shared_ptr<Memory> memory) override {
    slots_[buffer].memory = std::move(memory);
  }
  void OnDetach(uint32_t buffer) override { slots_.erase(buffer); }
  void OnStart(uint64_t frames) override;
  void OnExtend(uint64_t frames) override;
  void OnStop() override { CloseStream(); }
  uint32_t OnWanted() override;
  void OnQueue(uint32_t buffer) override;
  void OnStarve() override { Begin(); }
  [[nodiscard]] bool NeedsOneNow() const override;
  std::optional<Completion> OnDequeue() override;
  void OnControlWritten() override;

 private:
  struct Slot {
    std::shared_ptr<Memory> memory;
    std::unique_ptr<Landing> landing = {};  // made for the present format and payload
    bool queued = false;
  };

  [[nodiscard]] const std::string& id() const { return camera_->identity().id; }
  void ReadFormat();
  void Begin();
  void Trigger();
  void CheckTrigger();
  Completion Judge(AravisStream::Done done);
  std::string WhyBad(ArvBuffer* buffer) const;
  [[nodiscard]] uint64_t TimeOf(ArvBuffer* buffer, uint64_t done_ns) const;
  Completion Gone();
  void CloseStream();

  const std::shared_ptr<AravisCamera> camera_;
  const AravisOptions options_;
  std::shared_ptr<Controls> controls_;
  Wakeups wakeups_;
  AravisPicture picture_;           // that the camera makes
  uint32_t packet_size_ = 0;        // bytes; 0: it has no packets
  std::map<uint32_t, Slot> slots_;  // bound and attached
  size_t bound_ = 0;
  size_t queued_ = 0;
  AravisNumbers numbers_;
  uint64_t underruns_ = 0;  // of the last frame
  uint64_t last_ns_ = 0;    // its time
  // Frames of a limited capture that have not come yet.
  std::optional<uint64_t> due_;
  bool gone_ = false;

  std::optional<SoftwareTrigger> trigger_;  // while it captures a limited number
  uint64_t triggered_ns_ = 0;               // when it was triggered; 0: the frame has come
  uint32_t triggers_ = 0;                   // since the last frame
  std::unique_ptr<AravisStream> stream_;    // while capturing
  bool acquiring_ = false;
};

}  // namespace grabfs
