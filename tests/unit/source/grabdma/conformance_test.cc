// SPDX-License-Identifier: Apache-2.0
//
// grabdma keeps the promises of every source, on a module that is played. What is in the pixels,
// only the real one can tell (tests/vm).
#include "tests/unit/source/conformance.h"

#include "fusefs/base/clock.h"
#include "fusefs/source/grabdma/grabdma.h"
#include "fusefs/source/grabdma/memory.h"
#include "tests/unit/source/grabdma/fake.h"
#include "tests/unit/source/rig.h"

namespace grabfs {
namespace {

class GrabberSubject final : public ConformanceSubject {
 public:
  GrabberSubject() {
    auto port = std::make_unique<FakeGrabber>();
    device_ = port.get();
    session_ = std::make_shared<GrabdmaSession>("/dev/fake0", std::move(port));
    SourceSpec spec = ParseSourceSpec("grabdma:/dev/fake0");
    source_ = MakeGrabdma(spec, session_);
  }

  // Of the device: it can fill no other.
  std::shared_ptr<Memory> MakeMemory(uint64_t bytes) override {
    return AllocateGrabdmaMemory(session_, "attached", bytes, GRABDMA_ALLOC_PAGES);
  }

  [[nodiscard]] Source& source() override { return *source_; }
  void Destroy() override { source_.reset(); }
  bool Produce() override {
    device_->begin_ns = MonotonicNs() - 1000 * device_->sequence;
    device_->Capture();
    return true;
  }
  bool Unplug() override {
    device_->Unplug();
    return true;
  }
  [[nodiscard]] bool IsFrame(uint64_t /*sequence*/,
                             std::span<const std::byte> bytes) const override {
    return bytes.size() == 64 * 32;
  }

 private:
  FakeGrabber* device_;
  std::shared_ptr<GrabdmaSession> session_;
  std::unique_ptr<Source> source_;
};

INSTANTIATE_TEST_SUITE_P(Grabdma, SourceConformance,
                         testing::Values(ConformanceCase{
                             "Played", [] { return std::make_unique<GrabberSubject>(); }}),
                         CaseName);

}  // namespace
}  // namespace grabfs
