// SPDX-License-Identifier: Apache-2.0
//
// A device between a source that the test plays and an observer that does nothing: buffers are
// always those of the source's format, and a source without a buffer does not make its thread spin.
#include "fusefs/capture/device.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <future>
#include <thread>

namespace grabfs {
namespace {

class Observer final : public DeviceObserver {
 public:
  void OnFrameGone(const Device& /*device*/, uint64_t /*sequence*/, uint32_t /*notes*/) override {}
  void OnPoolReplaced(const Device& /*device*/, Pool& /*old*/,
                      std::span<const uint64_t> /*sequences*/) override {}
  void OnUndecided(const Device& /*device*/, Pool& /*pool*/, uint32_t /*slot*/) override {}
  void OnRefilled(const Device& /*device*/, Pool& /*pool*/, uint32_t /*slot*/) override {}
  void OnFillEnded(const Device& /*device*/, Pool& /*pool*/, uint32_t /*slot*/) override {}
  void OnRenewed(const Device& /*device*/, Pool& /*pool*/, uint32_t /*slot*/) override {}
  void OnRecheckNeeded(const Device& /*device*/) override {}
  void OnUnplugged(const Device& /*device*/) override {}
};

// One control, `input`: each value of it comes with another size of the picture.
class Inputs final : public Controls {
 public:
  [[nodiscard]] const std::vector<Name>& names() const override { return names_; }
  [[nodiscard]] std::string Read(const std::string& /*name*/) override { return value_; }
  [[nodiscard]] std::string Describe(const std::string& /*name*/) override { return ""; }
  void Write(const std::string& /*name*/, std::string_view value) override { value_ = value; }

  [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(std::stoul(value_)); }

 private:
  const std::vector<Name> names_ = {{"input", true}};
  std::string value_ = "16";
};

// A camera that always wants a buffer and never gives one back; without one it loses a frame each
// time it is asked.
class Camera final : public Source {
 public:
  Camera() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    format_ = MakeFrameFormat(kGrey, 16, 16);
  }

  [[nodiscard]] std::string description() const override { return "camera"; }
  [[nodiscard]] int event_fd() const override { return event_.get(); }
  [[nodiscard]] std::shared_ptr<Controls> controls() const override { return inputs_; }

  std::atomic<bool> memory_is_short = false;
  std::atomic<uint64_t> smallest_buffer = UINT64_MAX;  // that was queued
  std::atomic<unsigned> starved = 0;

 protected:
  FrameFormat OnSetFormat(const FormatRequest& /*request*/) override { return format_; }
  void OnSetRate(Rate /*rate*/) override {}
  std::vector<std::unique_ptr<Memory>> OnAllocateBuffers(const std::string& name,
                                                         uint32_t count) override {
    if (memory_is_short) throw Error(ENOMEM, "no memory for buffers");
    return Source::OnAllocateBuffers(name, count);
  }
  void OnBind(const std::vector<std::shared_ptr<Memory>>& buffers) override { buffers_ = buffers; }
  void OnAttach(uint32_t /*buffer*/, std::shared_ptr<Memory> /*memory*/) override {}
  void OnDetach(uint32_t /*buffer*/) override {}
  void OnStart(uint64_t /*frames*/) override {}
  void OnExtend(uint64_t /*frames*/) override {}
  void OnStop() override {}
  uint32_t OnWanted() override { return 1; }
  void OnQueue(uint32_t buffer) override {
    smallest_buffer = std::min<uint64_t>(smallest_buffer, buffers_[buffer]->bytes().size());
  }
  void OnStarve() override {
    ++starved;
    lost_ = true;
  }
  std::optional<Completion> OnDequeue() override {
    if (!std::exchange(lost_, false)) return std::nullopt;
    Completion completion;
    completion.kind = Completion::Kind::kDropped;
    completion.sequence = sequence_++;
    completion.reason = "no free buffer";
    return completion;
  }
  void OnControlWritten() override {
    format_ = MakeFrameFormat(kGrey, inputs_->size(), inputs_->size());
  }

 private:
  const UniqueFd event_;
  const std::shared_ptr<Inputs> inputs_ = std::make_shared<Inputs>();
  std::vector<std::shared_ptr<Memory>> buffers_;
  bool lost_ = false;
  uint64_t sequence_ = 0;
};

class DeviceTest : public ::testing::Test {
 protected:
  DeviceTest() { device_.Run(&observer_); }

  // Gives a command and waits for it: errno of its failure, or 0.
  template <typename Command>
  static int Do(Command&& command) {
    std::promise<int> done;
    std::forward<Command>(command)(
        [&done](const Error* error) { done.set_value(error ? error->code() : 0); });
    return done.get_future().get();
  }
  int ChooseInput(const std::string& value) {
    return Do([&](auto done) { device_.SetControl("input", value, done); });
  }
  int Start() {
    return Do([&](auto done) { device_.Start(done); });
  }

  Observer observer_;
  Camera* const camera_ = new Camera;  // the device's
  Device device_{{.name = "cam0", .buffers = 2}, std::unique_ptr<Source>(camera_)};
};

TEST_F(DeviceTest, BuffersThatAreTooSmallAreNeverFilled) {
  camera_->memory_is_short = true;
  EXPECT_EQ(ChooseInput("64"), ENOMEM);
  EXPECT_EQ(Start(), ENOMEM);
  EXPECT_EQ(camera_->smallest_buffer, UINT64_MAX) << "nothing was queued";
  EXPECT_EQ(device_.state().state, CaptureState::kStopped);
}

TEST_F(DeviceTest, BuffersAreMadeOnceThereIsMemoryForThem) {
  camera_->memory_is_short = true;
  EXPECT_EQ(ChooseInput("64"), ENOMEM);
  camera_->memory_is_short = false;
  EXPECT_EQ(Start(), 0);
  EXPECT_EQ(device_.state().format.width, 64U);
  EXPECT_GE(camera_->smallest_buffer, 64U * 64U);
}

// Each command lets the thread look once more, and the look after it: not more.
TEST_F(DeviceTest, ASourceWithoutABufferIsNotAskedAgainAtOnce) {
  ASSERT_EQ(Start(), 0);
  constexpr unsigned kCommands = 50;
  const unsigned before = camera_->starved;
  for (unsigned i = 0; i < kCommands; ++i) {
    EXPECT_EQ(Do([&](auto done) { device_.SetRate({30, 1}, done); }), 0);
  }
  EXPECT_LE(camera_->starved, before + 2 * (kCommands + 1));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (camera_->starved == 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_GT(camera_->starved, 0U);
}

}  // namespace
}  // namespace grabfs
