// SPDX-License-Identifier: Apache-2.0
//
// Network cameras as a user sees them: Aravis' simulator of a GigE Vision camera on the loopback
// address, which loses packets, is killed, and comes back.
#include <signal.h>
#include <sys/xattr.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <optional>

#include "tests/mount/support/fixture.h"
#include "tests/unit/source/aravis/own_network.h"

namespace grabfs::mount_test {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kSide = 512;  // of the simulator's pictures
constexpr char kSerial[] = "GV01";

class AravisTest : public EnvironmentTest {
 protected:
  // The programs of all tests are in this network.
  static void SetUpTestSuite() { ASSERT_EQ(EnterOwnNetwork(), ""); }

  void SetUp() override {
    EnvironmentTest::SetUp();
    if (IsSkipped()) return;
    modules_ = MakeScratchDirectory("modules");
    fs::copy_file(fs::path(std::getenv("TEST_SRCDIR")) / std::getenv("TEST_WORKSPACE") /
                      "fusefs/source/aravis/source-aravis.so",
                  modules_ + "/source-aravis.so");
    mountpoint_ = MakeScratchDirectory("mount");
  }
  void TearDown() override {
    if (!daemon_) return;
    daemon_->Signal(SIGTERM);
    EXPECT_EQ(daemon_->Wait(), 0) << daemon_->err();
    EXPECT_FALSE(IsMounted(mountpoint_));
  }

  // `lost`: of a thousand packets.
  void StartCamera(const std::string& lost = "0") {
    camera_.reset();
    camera_.emplace(std::vector<std::string>{"arv-fake-gv-camera-0.8", "-i", "127.0.0.1", "-s",
                                             kSerial, "-r", lost});
  }
  void KillCamera() {
    camera_->Signal(SIGKILL);
    camera_->Wait();
  }

  [[nodiscard]] std::vector<std::string> Command(const std::string& device) const {
    auto command = MountCommand({{device}, {}}, mountpoint_);
    command.insert(command.begin() + 1, {"--source-path", modules_});
    return command;
  }

  Device Start(const std::string& keys) {
    // The simulator needs a moment until it answers.
    EXPECT_TRUE(WaitUntil([&] {
      return RunCommand({DaemonPath(), "--source-path", modules_, "--list-cameras"})
                 .out.find(kSerial) != std::string::npos;
    }));
    return Mount(std::string("ind0=aravis:") + kSerial + keys);
  }
  Device Mount(const std::string& device) {
    daemon_.emplace(Command(device));
    EXPECT_TRUE(WaitUntil([&] { return IsMounted(mountpoint_) || daemon_->Poll(); }));
    EXPECT_EQ(daemon_->Poll(), std::nullopt) << daemon_->err();
    return Device(mountpoint_ + "/ind0");
  }

  [[nodiscard]] bool IsThere() const { return fs::exists(mountpoint_ + "/ind0/state"); }

  static uint64_t Counter(const Device& device, const char* name) {
    return device.Status().at("counters").at(name).get<uint64_t>();
  }
  static void ExpectBooksClose(const Device& device) {
    device.Stop();
    const nlohmann::json counters = device.Status().at("counters");
    uint64_t sum = 0;
    for (const char* part : {"delivered", "recycled", "dropped", "failed", "present"}) {
      sum += counters.at(part).get<uint64_t>();
    }
    EXPECT_EQ(counters.at("captured"), sum) << counters.dump();
  }

  // Whether the file is one picture of the simulator: each pixel one more than its neighbours.
  static bool IsPicture(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    if (bytes.size() != size_t{kSide} * kSide) return false;
    const auto at = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
    for (uint32_t y = 0; y < kSide; ++y) {
      for (uint32_t x = 0; x < kSide; ++x) {
        if (at(size_t{y} * kSide + x) != (at(0) + x + y) % 255) return false;
      }
    }
    return true;
  }

  static std::string Attribute(const std::string& path, const char* name) {
    std::array<char, 64> text{};
    const ssize_t length = ::getxattr(path.c_str(), name, text.data(), text.size());
    return length < 0 ? "" : std::string(text.data(), static_cast<size_t>(length));
  }

  std::string modules_;
  std::string mountpoint_;
  std::optional<Process> camera_;
  std::optional<Process> daemon_;
};

TEST_F(AravisTest, ItsFramesAreFilesWithBothClocks) {
  StartCamera();
  const Device device = Start(",rate=100,buffers=8");
  EXPECT_EQ(device.Status().at("source"), "aravis:Aravis-Fake-GV01");
  device.Capture(3);
  for (const uint64_t sequence : {0U, 1U, 2U}) {
    const std::string frame = device.Frame(sequence);
    EXPECT_TRUE(IsPicture(frame)) << frame;
    const std::string received = Attribute(frame, "user.grabfs.received_ns");
    const std::string device_ns = Attribute(frame, "user.grabfs.device_timestamp_ns");
    ASSERT_NE(received, "");
    EXPECT_GE(std::stoull(received), std::stoull(Attribute(frame, "user.grabfs.timestamp_ns")));
    EXPECT_GT(std::stoull(device_ns), 0U);
  }
  EXPECT_EQ(Counter(device, "captured"), 3U) << "a trigger captures what it says, no more";
  device.Set("state", "start");
  ASSERT_TRUE(WaitUntil([&] { return Counter(device, "captured") > 30; }));
  ExpectBooksClose(device);
}

TEST_F(AravisTest, FeaturesAreSetByTheirNames) {
  StartCamera();
  const Device device = Start("");
  const auto cli = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {CliPath(), "--mount", mountpoint_});
    return RunCommand(words);
  };
  const CommandResult set = cli({"set", "ind0", "ExposureTimeAbs=5000"});
  EXPECT_EQ(set.status, 0) << set.err;
  EXPECT_EQ(cli({"get", "ind0", "ExposureTimeAbs"}).out, "5000\n");
  const CommandResult refused = cli({"set", "ind0", "ExposureTimeAbs=1"});
  EXPECT_NE(refused.status, 0);
  EXPECT_NE(refused.err.find("must be from 10 to"), std::string::npos) << refused.err;
  // The size is a feature, too.
  EXPECT_EQ(cli({"set", "ind0", "Width=256"}).status, 0);
  EXPECT_EQ(device.Get("width"), "256");
}

TEST_F(AravisTest, LostPacketsAreFailedFramesAndTheBooksAreExact) {
  StartCamera("2");
  const Device device = Start(",rate=200,buffers=8,packet_size=1400,frame_retention_ms=20");
  device.Set("state", "start");
  uint64_t looked_at = 0;
  const auto end = std::chrono::steady_clock::now() + SoakTime();
  while (std::chrono::steady_clock::now() < end) {
    EXPECT_TRUE(IsPicture(device.latest()) || errno == ENOENT);
    ++looked_at;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ExpectBooksClose(device);
  EXPECT_GT(looked_at, 20U);
  EXPECT_GT(Counter(device, "failed"), 10U);
  EXPECT_GT(Counter(device, "captured"), 3 * Counter(device, "failed") / 2)
      << device.Status().dump();
}

TEST_F(AravisTest, ACameraThatIsKilledComesBackUnderItsName) {
  StartCamera();
  const Device device = Start(",rate=100,state=streaming");
  ASSERT_TRUE(WaitUntil([&] { return Counter(device, "captured") > 10; }));
  const std::string held = mountpoint_ + "/ind0/latest.raw";
  {
    std::ifstream frame(held, std::ios::binary);
    ASSERT_TRUE(frame.is_open());
    KillCamera();
    ASSERT_TRUE(WaitUntil([&] {
      return fs::exists(mountpoint_ + "/ind0") == false || device.Get("state") == "gone";
    }));
    // What was captured stays.
    const std::string bytes((std::istreambuf_iterator<char>(frame)), {});
    EXPECT_EQ(bytes.size(), size_t{kSide} * kSide);
  }
  EXPECT_TRUE(WaitUntil([&] { return !IsThere(); }));
  StartCamera();
  ASSERT_TRUE(WaitUntil([&] { return IsThere(); })) << daemon_->err();
  // With its settings, and capturing as it was told on the command line.
  EXPECT_EQ(device.Get("rate"), "100");
  ASSERT_TRUE(WaitUntil([&] { return Counter(device, "captured") > 10; }));
  EXPECT_TRUE(IsPicture(device.latest()));
  ExpectBooksClose(device);
}

TEST_F(AravisTest, ACameraThatIsNotThereIsWaitedForOnlyIfThatIsAsked) {
  Process refused(Command(std::string("ind0=aravis:") + kSerial));
  EXPECT_EQ(refused.Wait(), 1);
  EXPECT_NE(refused.err().find("no camera answers"), std::string::npos) << refused.err();
  const Device device = Mount(std::string("ind0=aravis:") + kSerial + ",hotplug=1,rate=50");
  EXPECT_FALSE(IsThere());
  StartCamera();
  ASSERT_TRUE(WaitUntil([&] { return IsThere(); })) << daemon_->err();
  EXPECT_EQ(device.Get("rate"), "50");
  device.Capture(1);
  EXPECT_TRUE(IsPicture(device.latest()));
}

TEST_F(AravisTest, IsFoundAndTheLineToTypeWorks) {
  StartCamera();
  std::string line;
  ASSERT_TRUE(WaitUntil([&] {
    line = RunCommand({DaemonPath(), "--source-path", modules_, "--list-cameras"}).out;
    return line.find(kSerial) != std::string::npos;
  }));
  const std::string source = line.substr(0, line.find('\t'));
  EXPECT_EQ(source, "aravis:Aravis-Fake-GV01");
  EXPECT_NE(line.find("GigEVision, 127.0.0.1"), std::string::npos) << line;
  const Device device = Mount("ind0=" + source);
  device.Capture(1);
  EXPECT_TRUE(IsPicture(device.latest()));
}

// As fast as the simulator can, for as long as the test may take (GRABFS_TEST_SECONDS): no picture
// is mixed, and no frame is missing in the books. A machine that is busy may lose packets.
TEST_F(AravisTest, AtFullRateTheBooksAreExact) {
  StartCamera();
  const Device device = Start(",rate=1000,buffers=16,width=512,height=512");
  device.Set("state", "start");
  uint64_t looked_at = 0;
  const auto end = std::chrono::steady_clock::now() + SoakTime();
  while (std::chrono::steady_clock::now() < end) {
    if (!fs::exists(device.latest())) continue;
    EXPECT_TRUE(IsPicture(device.latest()));
    ++looked_at;
  }
  ExpectBooksClose(device);
  EXPECT_GT(looked_at, 20U);
}

}  // namespace
}  // namespace grabfs::mount_test
