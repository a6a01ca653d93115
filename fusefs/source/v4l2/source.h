// SPDX-License-Identifier: Apache-2.0
//
// Captures from a V4L2 device. It has the driver's buffers only while it captures, so that other
// programs can use and configure a stopped device.
//
//                 Queue            frame
//     (ring) ──────────────▶ queued ─────▶ (ring)
//
// The first frames after new memory is bound are checked (poison.h). If the driver reports a frame,
// but has not written to the memory, its I/O method is not used any more.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "fusefs/source/source.h"
#include "fusefs/source/v4l2/device.h"
#include "fusefs/source/v4l2/io.h"
#include "fusefs/source/v4l2/path_choice.h"
#include "fusefs/source/v4l2/sequence.h"
#include "fusefs/source/v4l2/waiter.h"

namespace grabfs {

class V4l2Source final : public Source {
 public:
  V4l2Source(std::shared_ptr<V4l2Device> device, std::optional<V4l2Path> forced);

  [[nodiscard]] std::string description() const override { return "v4l2:" + device_->path(); }
  [[nodiscard]] int event_fd() const override { return waiter_.fd(); }
  [[nodiscard]] std::map<std::string, std::string> Settings() const override;
  [[nodiscard]] std::shared_ptr<Controls> controls() const override { return controls_; }

 protected:
  FrameFormat OnSetFormat(const FormatRequest& request) override;
  void OnSetRate(Rate rate) override;
  std::vector<std::unique_ptr<Memory>> OnAllocateBuffers(const std::string& name,
                                                         uint32_t count) override;
  void OnBind(const std::vector<std::shared_ptr<Memory>>& buffers) override;
  void OnAttach(uint32_t buffer, std::shared_ptr<Memory> memory) override;
  void OnDetach(uint32_t buffer) override;
  void OnStart(uint64_t frames) override;
  void OnExtend(uint64_t frames) override {
    if (due_) *due_ += frames;
  }
  void OnStop() override;
  uint32_t OnWanted() override;
  void OnQueue(uint32_t buffer) override;
  void OnStarve() override { starving_ = true; }
  [[nodiscard]] bool NeedsOneNow() const override;
  std::optional<Completion> OnDequeue() override;
  void OnControlWritten() override;

 private:
  struct Slot {
    std::shared_ptr<Memory> memory;
    bool queued = false;
    std::optional<uint64_t> poison;  // its seed
  };

  void TakeFormat(V4l2Format format);
  void RestoreFormat();
  void OpenIo();
  void CloseIo();
  void Submit(uint32_t buffer);
  std::optional<Completion> Look();
  Completion Judge(V4l2Io::Done done);
  std::string WhyBad(const V4l2Io::Done& done, Slot& slot);
  [[nodiscard]] std::optional<size_t> StaleFrom(const V4l2Io::Done& done, Slot& slot);
  void FallBack(const std::string& reason);
  Completion Gone();

  const std::shared_ptr<V4l2Device> device_;
  const std::string serial_;  // of USB devices that have one
  const std::shared_ptr<Controls> controls_;
  V4l2Waiter waiter_;
  V4l2Format wire_;  // the device's format; format_ was made from it
  bool compressed_ = false;
  V4l2PathChoice choice_;
  bool large_pages_ = false;        // of the bound buffers
  std::map<uint32_t, Slot> slots_;  // bound and attached
  size_t bound_ = 0;
  size_t queued_ = 0;
  uint32_t unverified_ = 0;
  // Frames of a limited capture that have not come yet. A camera captures until it is stopped, and
  // each further buffer that it fills would cost an older frame.
  std::optional<uint64_t> due_;
  std::mt19937_64 seeds_{std::random_device{}()};
  V4l2Sequence sequence_;
  bool starving_ = false;  // there was no buffer for it the last time
  bool gone_ = false;
  std::unique_ptr<V4l2Io> io_;  // while capturing
};

}  // namespace grabfs
