// SPDX-License-Identifier: Apache-2.0
//
// aravis keeps the promises of every source: on Aravis' simulator of a network camera, and on its
// camera without hardware.
#include "tests/unit/source/conformance.h"

#include <chrono>
#include <optional>
#include <thread>

#include "tests/unit/source/aravis/rig.h"
#include "tests/unit/source/aravis/simulator.h"

namespace grabfs {
namespace {

bool IsWhole(std::span<const std::byte> bytes) {
  return bytes.size() == size_t{512} * 512 &&
         IsDiagonalRamp(reinterpret_cast<const uint8_t*>(bytes.data()), 512, 512);
}

// It makes a frame when it is triggered.
class SimulatorSubject final : public ConformanceSubject {
 public:
  SimulatorSubject() {
    simulator_->WaitForTriggers();
    source_ = MakeAravisFrom(std::string("aravis:") + Simulator::kSerial);
  }
  ~SimulatorSubject() override { source_.reset(); }

  [[nodiscard]] Source& source() override { return *source_; }
  void Destroy() override { source_.reset(); }
  bool Produce() override {
    if (!simulator_) return true;
    simulator_->Trigger();
    // Two triggers at once would be one. A camera that does not capture takes none.
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (simulator_->Register(ARV_FAKE_CAMERA_REGISTER_TRIGGER_SOFTWARE) != 0 &&
           simulator_->Register(ARV_FAKE_CAMERA_REGISTER_ACQUISITION) != 0 &&
           std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (!source_) return true;
    // The simulator does one thing after the other: it answers when it has sent the frame.
    (void)source_->controls()->Read("TestRegister");
    AwaitReceiver();
    return true;
  }
  bool Unplug() override {
    simulator_.reset();
    return true;
  }
  [[nodiscard]] bool IsFrame(uint64_t /*sequence*/,
                             std::span<const std::byte> bytes) const override {
    return IsWhole(bytes);
  }

 private:
  // Until Aravis has looked at all packets that came: a buffer that it gets in the middle of a
  // frame has half of that frame.
  void AwaitReceiver() {
    auto before = source_->Settings();
    for (int quiet = 0; quiet < 5; ++quiet) {
      std::this_thread::sleep_for(std::chrono::milliseconds(8));
      auto now = source_->Settings();
      if (now != before) quiet = 0;
      before = std::move(now);
    }
  }

  std::optional<Simulator> simulator_{std::in_place};
  std::unique_ptr<Source> source_;
};

// It makes frames by itself, also while nobody wants any.
class FakeSubject final : public ConformanceSubject {
 public:
  [[nodiscard]] Source& source() override { return *source_; }
  void Destroy() override { source_.reset(); }
  bool Produce() override {
    std::this_thread::sleep_for(std::chrono::milliseconds(45));  // it makes 25 in a second
    return true;
  }
  [[nodiscard]] bool IsFrame(uint64_t /*sequence*/,
                             std::span<const std::byte> bytes) const override {
    return IsWhole(bytes);
  }

 private:
  std::unique_ptr<Source> source_ = MakeAravisFrom("aravis:Fake_1");
};

INSTANTIATE_TEST_SUITE_P(
    Aravis, SourceConformance,
    testing::Values(ConformanceCase{"Simulator",
                                    [] { return std::make_unique<SimulatorSubject>(); }},
                    ConformanceCase{"Fake", [] { return std::make_unique<FakeSubject>(); }}),
    CaseName);

}  // namespace
}  // namespace grabfs
