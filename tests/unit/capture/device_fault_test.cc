// SPDX-License-Identifier: Apache-2.0
//
// A source that throws what nobody expects: the device fails and says so; it is still there.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>

#include "fusefs/capture/device.h"
#include "fusefs/source/software/software.h"

namespace grabfs {
namespace {

constexpr std::chrono::seconds kPatience{60};

class FaultySource final : public SoftwareSource {
 public:
  explicit FaultySource(std::exception_ptr fault)
      : SoftwareSource(Rate{0, 1}), fault_(std::move(fault)) {
    format_ = MakeFrameFormat(kGrey, 16, 16);
  }
  [[nodiscard]] std::string description() const override { return "faulty"; }

 protected:
  FrameFormat OnSetFormat(const FormatRequest& /*request*/) override {
    std::rethrow_exception(fault_);
  }
  void Paint(uint64_t /*sequence*/, std::span<std::byte> /*frame*/) override {
    std::rethrow_exception(fault_);
  }

 private:
  const std::exception_ptr fault_;
};

class QuietObserver final : public DeviceObserver {
 public:
  void OnFrameGone(const Device&, uint64_t, uint32_t) override {}
  void OnPoolReplaced(const Device&, Pool&, std::span<const uint64_t>) override {}
  void OnUndecided(const Device&, Pool&, uint32_t) override {}
  void OnRefilled(const Device&, Pool&, uint32_t) override {}
  void OnFillEnded(const Device&, Pool&, uint32_t) override {}
  void OnRecheckNeeded(const Device&) override {}
  void OnRenewed(const Device&, Pool&, uint32_t) override {}
  void OnUnplugged(const Device&) override {}
};

class DeviceFaultTest : public ::testing::Test {
 protected:
  template <typename Fault>
  void Run(const Fault& fault) {
    device_ =
        std::make_unique<Device>(Device::Config{.name = "cam0"},
                                 std::make_unique<FaultySource>(std::make_exception_ptr(fault)));
    device_->Run(&observer_);
  }
  // The errno value of a command; 0: done.
  template <typename Command>
  static int Outcome(Command command) {
    std::promise<int> outcome;
    command([&outcome](const Error* error) { outcome.set_value(error ? error->code() : 0); });
    return outcome.get_future().get();
  }
  [[nodiscard]] bool Comes(CaptureState state) const {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (device_->state().state != state) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

  QuietObserver observer_;
  std::unique_ptr<Device> device_;
};

TEST_F(DeviceFaultTest, WhileCapturingTheDeviceFailsAndCanBeStartedAgain) {
  Run(std::runtime_error("the source is broken"));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(Outcome([&](auto done) { device_->Start(done); }), 0);
    ASSERT_TRUE(Comes(CaptureState::kError));
    EXPECT_EQ(device_->state().last_error, "internal error: the source is broken");
    EXPECT_EQ(Outcome([&](auto done) { device_->Stop(done); }), 0);
    ASSERT_TRUE(Comes(CaptureState::kStopped));
  }
}

TEST_F(DeviceFaultTest, ACommandThatThrowsFailsAlone) {
  Run(std::bad_alloc());
  EXPECT_EQ(Outcome([&](auto done) { device_->SetFormat({.width = 32}, done); }), ENOMEM);
  EXPECT_EQ(device_->state().last_error, "out of memory");
  EXPECT_EQ(Outcome([&](auto done) { device_->SetPolicy(Policy::kKeepOldest, done); }), 0);
}

TEST_F(DeviceFaultTest, WhoIsToldMayThrowToo) {
  Run(std::runtime_error("the source is broken"));
  device_->SetPolicy(Policy::kKeepOldest, [](const Error*) { throw std::runtime_error("told"); });
  EXPECT_EQ(Outcome([&](auto done) { device_->SetPolicy(Policy::kKeepNewest, done); }), 0);
}

}  // namespace
}  // namespace grabfs
