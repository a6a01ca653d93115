// SPDX-License-Identifier: Apache-2.0
//
// A grabdma device in the test's hands: it obeys the interface of kmod/uapi/grabdma.h, and frames
// become due, arrive, fail and get lost when the test says so. Nothing happens by itself.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "fusefs/base/unique_fd.h"
#include "fusefs/source/grabdma/session.h"

namespace grabfs {

class FakeGrabber final : public GrabdmaPort {
 public:
  FakeGrabber();

  // GrabdmaPort
  [[nodiscard]] int fd() const override { return event_.get(); }
  int Ioctl(unsigned long command, void* argument) override;
  int64_t Read(std::span<std::byte> records) override;

  // --- What the device does.

  // A frame is due: begins to fill the first queued buffer, or is lost.
  void Due();
  // The frame in flight is complete, or failed.
  void Land(int error = 0);
  // Due() and Land().
  void Capture();
  void Unplug();

  // --- What others do.

  // A reader opens the frame view, whatever the state.
  void Hold(uint32_t buffer) { held_.insert(buffer); }
  void LetGo(uint32_t buffer);

  // --- What can be set and seen.

  uint64_t sequence = 0;          // of the next frame that is due
  uint64_t begin_ns = 0;          // when frame 0 was due; the others follow in microseconds
  uint32_t depth = 0;             // of INFO; 0: a module that does not say
  uint64_t device_ns = 0;         // of frames, if the board has a clock
  int refuse_start = 0;           // errno values
  int refuse_alloc_after = 1000;  // ALLOC gives an error from this buffer on
  int refuse_alloc_with = ENOMEM;
  std::optional<grabdma_start> started;  // the last START since the last STOP
  uint32_t starts = 0;
  uint32_t strategy = 0;  // of the last ALLOC

  [[nodiscard]] size_t queued() const { return queue_.size() + filling_.has_value(); }
  [[nodiscard]] size_t allocated() const { return buffers_.size(); }
  [[nodiscard]] bool capturing() const { return capturing_; }

 private:
  struct Buffer {
    uint32_t state = GRABDMA_STATE_IDLE;
    bool watched = false;
  };

  int Info(grabdma_info& info);
  int EnumFormat(grabdma_format_range& range);
  int SetFormat(grabdma_format& format);
  int Alloc(grabdma_alloc& alloc);
  int Free(const grabdma_free& free);
  int Queue(const grabdma_queue& queue);
  int Start(const grabdma_start& start);
  int Stop();
  int State(const grabdma_buffer_state& state);
  int Dispatch(unsigned long command, void* argument);
  void Post(const grabdma_record& record);

  UniqueFd event_;
  grabdma_format format_ = {};
  std::map<uint32_t, Buffer> buffers_;
  std::set<uint32_t> held_;
  std::deque<uint32_t> queue_;
  struct Filling {
    uint32_t buffer;
    uint64_t sequence;
    uint64_t dropped;
  };
  std::optional<Filling> filling_;
  std::deque<grabdma_record> records_;
  bool capturing_ = false;
  uint64_t left_ = 0;     // of a limited capture; 0: no limit
  uint64_t dropped_ = 0;  // since the last frame began
  bool gone_ = false;
  bool ended_ = false;
};

}  // namespace grabfs
