// SPDX-License-Identifier: Apache-2.0
//
// Readers of stream files while a conversion takes for ever: nobody waits for it but who wants that
// very frame in that form. And what many readers share.
#include "fusefs/vfs/stream_file.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fusefs/source/software/software.h"

namespace grabfs {
namespace {

constexpr uint32_t kBuffers = 6;
constexpr size_t kFrameBytes = size_t{16} * 16;
constexpr std::chrono::seconds kPatience{60};
constexpr const char* kHeader = "YUV4MPEG2 W16 H16 F30:1 Ip A1:1 Cmono\n";
constexpr const char* kFrameHeader = "FRAME\n";

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

class Camera final : public SoftwareSource {
 public:
  Camera() : SoftwareSource(Rate{30, 1}) { format_ = MakeFrameFormat(kGrey, 16, 16); }
  [[nodiscard]] std::string description() const override { return "camera"; }

 protected:
  FrameFormat OnSetFormat(const FormatRequest& /*request*/) override { return format_; }
  void Paint(uint64_t sequence, std::span<std::byte> frame) override {
    std::ranges::fill(frame, static_cast<std::byte>('a' + sequence));
  }
};

// Conversions that go on when the test lets them.
class Gate {
 public:
  StreamConverter::Convert Convert() {
    return [this](const HeldFrame& frame) {
      ++conversions;
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return open_; });
      return ConvertToY4m(frame);
    };
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

  std::atomic<unsigned> conversions = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

// One open stream, read as a client does.
class Client {
 public:
  Client(const std::shared_ptr<DeviceNode>& node, const std::string& name)
      : file_(std::make_unique<DeviceUse>(node, [](const DeviceNode&) {}), FormOf(name), 1,
              [](const auto&, uint64_t) { return nullptr; }) {}

  // A read() that waits, and what it yields.
  std::future<std::string> Read(size_t size = 1 << 20) {
    auto promise = std::make_shared<std::promise<std::string>>();
    const auto errno_of = [](const Error& error) {
      return "errno " + std::to_string(error.code());
    };
    try {
      file_.Read(0, size, true, [=](std::span<const std::byte> data, const Error* error) {
        const auto* const text = reinterpret_cast<const char*>(data.data());
        promise->set_value(error ? errno_of(*error) : std::string(text, data.size()));
      });
    } catch (const Error& error) {
      promise->set_value(errno_of(error));
    }
    return promise->get_future();
  }
  // One with O_NONBLOCK: errno, 0 when it yields something.
  int TryRead() {
    try {
      file_.Read(0, 1 << 20, false, [](std::span<const std::byte>, const Error*) {});
      return 0;
    } catch (const Error& error) {
      return error.code();
    }
  }
  bool Readable(std::function<void()> wake) { return file_.Readable(std::move(wake)); }

 private:
  static const StreamForm& FormOf(const std::string& name) {
    for (const StreamForm& form : StreamForms()) {
      if (form.name == name) return form;
    }
    throw Error(ENOENT, name);
  }

  StreamFile file_;
};

bool IsReady(const std::future<std::string>& read) {
  return read.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

// What a read yields that must come.
std::string Get(std::future<std::string> read) {
  return read.wait_for(kPatience) == std::future_status::ready ? read.get() : "nothing";
}

class StreamFileTest : public ::testing::Test {
 protected:
  ~StreamFileTest() override {
    gate_.Open();
    for (const auto& node : {slow_, quick_}) node->End();
  }

  std::shared_ptr<DeviceNode> MakeNode(const std::string& name, StreamConverter::Convert convert) {
    auto device = std::make_unique<Device>(Device::Config{.name = name, .buffers = kBuffers},
                                           std::make_unique<Camera>());
    device->Run(&observer_);
    return std::make_shared<DeviceNode>(0, std::move(device), std::move(convert));
  }
  // Captures a frame and waits until it is there.
  void Capture(const std::shared_ptr<DeviceNode>& node) {
    Device& device = *node->device;
    const uint64_t before = device.state().next_sequence;
    device.Trigger(1, [](const Error*) {});
    while (device.state().next_sequence == before || device.state().trigger > 0) {
      std::this_thread::yield();
    }
  }
  static std::string Raw(uint64_t sequence) {
    return std::string(kFrameBytes, static_cast<char>('a' + sequence));
  }
  // A reader of the device whose conversions take for ever, who waits for the next frame.
  Client& WaitForConversion() {
    Client& client = *waiting_.emplace_back(std::make_unique<Client>(slow_, "stream.y4m"));
    reads_.push_back(client.Read());
    return client;
  }

  Observer observer_;
  Gate gate_;
  const std::shared_ptr<DeviceNode> slow_ = MakeNode("slow", gate_.Convert());
  const std::shared_ptr<DeviceNode> quick_ = MakeNode("quick", ConvertToY4m);
  std::vector<std::unique_ptr<Client>> waiting_;
  std::vector<std::future<std::string>> reads_;
};

TEST_F(StreamFileTest, NobodyElseWaitsForAConversion) {
  Client y4m(slow_, "stream.y4m");
  Client raw(slow_, "stream.raw");
  Client lossless(slow_, "stream-lossless.raw");
  Client other_y4m(quick_, "stream.y4m");
  Client other_raw(quick_, "stream-lossless.raw");
  auto header = y4m.Read();
  for (uint64_t sequence = 0; sequence < 3; ++sequence) {
    auto read = raw.Read();
    auto lossless_read = lossless.Read();
    auto other_read = other_raw.Read();
    Capture(slow_);
    Capture(quick_);
    if (sequence == 0) {
      EXPECT_EQ(Get(std::move(header)), kHeader);
      reads_.push_back(y4m.Read());  // and waits for its first picture
      EXPECT_EQ(Get(other_y4m.Read()), kHeader);
    }
    EXPECT_EQ(Get(std::move(read)), Raw(sequence));
    EXPECT_EQ(Get(std::move(lossless_read)), Raw(sequence));
    EXPECT_EQ(Get(std::move(other_read)), Raw(sequence));
    EXPECT_EQ(Get(other_y4m.Read()), kFrameHeader + Raw(sequence));
  }
  EXPECT_FALSE(IsReady(reads_.front()));
  gate_.Open();
  EXPECT_EQ(Get(std::move(reads_.front())), kFrameHeader + Raw(0));
}

TEST_F(StreamFileTest, AFrameIsConvertedOnceForAllItsReaders) {
  constexpr unsigned kReaders = 50;
  for (unsigned i = 0; i < kReaders; ++i) WaitForConversion();
  Capture(slow_);
  for (auto& read : reads_) EXPECT_EQ(Get(std::move(read)), kHeader);
  reads_.clear();
  for (const auto& client : waiting_) reads_.push_back(client->Read(10));
  gate_.Open();
  for (auto& read : reads_) EXPECT_EQ(Get(std::move(read)).substr(0, 6), kFrameHeader);
  EXPECT_EQ(gate_.conversions, 1U);
  EXPECT_EQ(slow_->device->pool()->ring.Occupancy().held, 1U);
}

TEST_F(StreamFileTest, WhoDoesNotWaitIsToldWhenItIsConverted) {
  Client client(slow_, "stream.y4m");
  Capture(slow_);
  EXPECT_TRUE(client.Readable([] {}));
  EXPECT_EQ(client.TryRead(), 0) << "the header";
  EXPECT_EQ(client.TryRead(), EAGAIN);
  // Told of the frame itself, too, he may have to ask more than once.
  int code = EAGAIN;
  while (code == EAGAIN) {
    const auto woken = std::make_shared<std::promise<void>>();
    auto told = woken->get_future();
    const bool ready = client.Readable([woken] { woken->set_value(); });
    gate_.Open();
    ASSERT_TRUE(ready || told.wait_for(kPatience) == std::future_status::ready);
    code = client.TryRead();
  }
  EXPECT_EQ(code, 0);
}

TEST_F(StreamFileTest, AReaderThatWaitsForAConversionIsAnsweredAtTheEnd) {
  Client client(slow_, "stream.y4m");
  Capture(slow_);
  EXPECT_EQ(Get(client.Read()), kHeader);
  auto read = client.Read();
  gate_.Open();
  slow_->End();
  EXPECT_EQ(Get(std::move(read)), kFrameHeader + Raw(0));
  EXPECT_EQ(Get(client.Read()), "");
}

TEST_F(StreamFileTest, WhatIsLeftAtTheEndCanStillBeRead) {
  Client client(slow_, "stream.y4m");
  Capture(slow_);
  Capture(slow_);
  gate_.Open();
  slow_->End();
  EXPECT_EQ(Get(client.Read()), kHeader);
  for (uint64_t sequence = 0; sequence < 2; ++sequence) {
    EXPECT_EQ(Get(client.Read()), kFrameHeader + Raw(sequence));
  }
  EXPECT_EQ(Get(client.Read()), "");
}

// Its file is released while the conversion that it has asked for goes on.
TEST_F(StreamFileTest, AReaderMayGoWhileItsFrameIsConverted) {
  {
    Client client(slow_, "stream.y4m");
    Capture(slow_);
    EXPECT_EQ(Get(client.Read()), kHeader);
    EXPECT_EQ(client.TryRead(), EAGAIN);
  }
  gate_.Open();
  slow_->End();
  EXPECT_EQ(slow_->device->pool()->ring.Occupancy().held, 0U);
}

// Cameras that make JPEG send broken frames now and then.
TEST_F(StreamFileTest, AFrameThatCannotBeConvertedIsPassedByOrToldToWhoWantsEach) {
  const auto node = MakeNode("jpeg", [](const HeldFrame& frame) {
    if (frame.info().sequence % 2 == 0) throw Error(EIO, "JPEG: it is none");
    return ConvertToY4m(frame);
  });
  Client client(node, "stream.y4m");
  Client lossless(node, "stream-lossless.y4m");
  for (int i = 0; i < 4; ++i) Capture(node);
  for (Client* reader : {&client, &lossless}) EXPECT_EQ(Get(reader->Read()), kHeader);
  for (const uint64_t sequence : {1, 3}) {
    EXPECT_EQ(Get(lossless.Read()), "errno " + std::to_string(EIO));
    for (Client* reader : {&client, &lossless}) {
      EXPECT_EQ(Get(reader->Read()), kFrameHeader + Raw(sequence));
    }
  }
  node->End();
}

// What a reader has read a part of is given up when many others want buffers.
TEST_F(StreamFileTest, ThePartOfAFrameThatWasGivenUpIsTold) {
  Client client(quick_, "stream-lossless.raw");
  Capture(quick_);
  EXPECT_EQ(Get(client.Read(1)), "a");
  while (waiting_.size() < kBuffers - 2) {
    waiting_.push_back(std::make_unique<Client>(quick_, "stream-lossless.raw"));
    Capture(quick_);
    Get(waiting_.back()->Read(1));
  }
  EXPECT_EQ(Get(client.Read()), "errno " + std::to_string(ENOBUFS));
  EXPECT_EQ(Get(client.Read()), Raw(1)) << "and then the next, from its beginning";
}

}  // namespace
}  // namespace grabfs
