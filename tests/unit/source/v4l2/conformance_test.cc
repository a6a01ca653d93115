// SPDX-License-Identifier: Apache-2.0
//
// v4l2 keeps the promises of every source, by each of its I/O methods that a played camera has.
#include "tests/unit/source/conformance.h"

#include <algorithm>

#include "fusefs/base/clock.h"
#include "fusefs/source/v4l2/v4l2.h"
#include "tests/unit/source/rig.h"
#include "tests/unit/source/v4l2/fake.h"

namespace grabfs {
namespace {

class CameraSubject final : public ConformanceSubject {
 public:
  explicit CameraSubject(const std::function<void(FakeCamera&)>& shape) {
    auto port = std::make_unique<FakeCamera>();
    camera_ = port.get();
    camera_->sizes = {{64, 128}};
    shape(*camera_);
    SourceSpec spec = ParseSourceSpec("v4l2:/dev/fake0,width=64,height=128");
    device_ = std::make_shared<V4l2Device>("/dev/fake0", std::move(port));
    source_ = MakeV4l2(spec, device_);
  }

  [[nodiscard]] Source& source() override { return *source_; }
  void Destroy() override { source_.reset(); }
  bool Produce() override {
    camera_->timestamp_us = MonotonicNs() / 1000;
    camera_->Capture(Value(camera_->sequence));
    return true;
  }
  bool Unplug() override {
    camera_->Unplug();
    return true;
  }
  [[nodiscard]] bool IsFrame(uint64_t sequence, std::span<const std::byte> bytes) const override {
    return std::ranges::all_of(bytes, [&](std::byte b) { return b == std::byte{Value(sequence)}; });
  }

 private:
  static uint8_t Value(uint64_t sequence) { return static_cast<uint8_t>(sequence % 100 + 1); }

  FakeCamera* camera_;
  std::shared_ptr<V4l2Device> device_;  // the camera lives as long
  std::unique_ptr<Source> source_;
};

ConformanceCase Case(const std::string& name, const std::function<void(FakeCamera&)>& shape) {
  return {name, [shape] { return std::make_unique<CameraSubject>(shape); }};
}

INSTANTIATE_TEST_SUITE_P(
    V4l2, SourceConformance,
    testing::Values(Case("Userptr", [](FakeCamera&) {}),
                    Case("Mmap", [](FakeCamera& camera) { camera.takes_userptr = false; }),
                    Case("Planes",
                         [](FakeCamera& camera) {
                           camera.multiplanar = true;
                           camera.planes = 2;
                         })),
    CaseName);

}  // namespace
}  // namespace grabfs
