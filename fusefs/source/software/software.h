// SPDX-License-Identifier: Apache-2.0
//
// The base class of sources that make their frames in software, in the thread that calls Dequeue().
// It decides when a frame is due, which frames are lost, and their sequence numbers; derived
// classes paint.
//
// A frame is lost (a kDropped completion, with a sequence number of its own) when there is no
// buffer for it, or when painting cannot keep up with the rate (Pacer::kPatienceNs). A real camera
// would lose it, too. Without a rate (0) frames are lost only when there is no buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "fusefs/source/software/pacer.h"
#include "fusefs/source/source.h"

namespace grabfs {

class SoftwareSource : public Source {
 public:
  // -1 while there is no rate (a frame is always due), or while a lost frame is still to be
  // reported.
  [[nodiscard]] int event_fd() const final;

 protected:
  // Derived constructors set format_.
  explicit SoftwareSource(Rate rate);

  // Fills `frame`, format().bytes long, with the picture of this number. Not called for lost
  // frames. Throws Error when it fails; the completion is a kError then.
  virtual void Paint(uint64_t sequence, std::span<std::byte> frame) = 0;

  void OnSetRate(Rate rate) final;
  void OnBind(const std::vector<std::shared_ptr<Memory>>& buffers) final;
  void OnAttach(uint32_t buffer, std::shared_ptr<Memory> memory) final;
  void OnDetach(uint32_t buffer) final;
  void OnStart(uint64_t frames) final;
  void OnExtend(uint64_t frames) final;
  void OnStop() final;
  uint32_t OnWanted() final;
  void OnQueue(uint32_t buffer) final;
  void OnStarve() final;
  std::optional<Completion> OnDequeue() final;

 private:
  // The next `frames` due frames were made or lost.
  void Consume(uint64_t frames);
  Completion MakeDrop(const char* reason);
  Completion MakeFrame(uint32_t buffer);
  // nullptr: neither bound nor attached.
  [[nodiscard]] Memory* Find(uint32_t buffer) const;

  Pacer pacer_;
  std::vector<std::shared_ptr<Memory>> buffers_;
  std::map<uint32_t, std::shared_ptr<Memory>> attached_;
  uint64_t remaining_ = 0;          // frames that will still become due in this capture
  uint64_t late_ = 0;               // lost because painting was late; not reported yet
  uint64_t starved_ = 0;            // lost because there was no buffer; not reported yet
  std::optional<uint32_t> queued_;  // the buffer of the due frame, painted by Dequeue()
  uint64_t sequence_ = 0;           // of the next completion
};

}  // namespace grabfs
