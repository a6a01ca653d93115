// SPDX-License-Identifier: Apache-2.0
//
// Programs as cameras: ffmpeg, a network camera behind it, and programs that go wrong, as a user
// sees them.
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

namespace fs = std::filesystem;

// An RTSP camera on the loopback address; prints its port.
constexpr const char* kNetworkCamera = R"(
import gi
gi.require_version('Gst', '1.0')
gi.require_version('GstRtspServer', '1.0')
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address('127.0.0.1')
server.set_service('0')
factory = GstRtspServer.RTSPMediaFactory()
factory.set_shared(True)
factory.set_launch('( videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1'
                   ' ! x264enc tune=zerolatency key-int-max=5 ! rtph264pay name=pay0 )')
server.get_mount_points().add_factory('/door', factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
)";

class ExecTest : public EnvironmentTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (!IsSkipped()) scratch_ = MakeScratchDirectory("exec");
  }

  [[nodiscard]] std::string Script(const std::string& lines) const {
    const std::string path = scratch_ + "/program";
    std::ofstream(path) << "#!/bin/sh\n" << lines << "\n";
    fs::permissions(path, fs::perms(0755));
    return path;
  }

  Device Start(const std::string& lines, const std::string& keys = "") {
    mount_.reset();
    mount_.emplace(MountSpec{{"cam0=exec:" + Script(lines) + keys}, {}});
    return mount_->GetDevice("cam0");
  }

  // Processes with this word in their command line.
  static bool Runs(const std::string& word) {
    return RunCommand({"pgrep", "-f", word}).status == 0;
  }

  std::string scratch_;
  std::optional<Mount> mount_;
};

TEST_F(ExecTest, FramesAreThoseThatFfmpegMakes) {
  const std::string picture = "ffmpeg -v error -nostdin -f lavfi -i testsrc2=size=322x242:rate=50 ";
  const Device device =
      Start("exec " + picture + "-pix_fmt yuv420p -f yuv4mpegpipe -strict -1 -", ",buffers=16");
  EXPECT_EQ(device.Get("format"), "YU12");
  EXPECT_EQ(device.Get("width"), "322");
  EXPECT_EQ(device.Get("rate"), "50");
  device.Capture(12);
  const std::string sums = RunShell(picture +
                                    "-pix_fmt yuv420p -frames:v 12 -f framemd5 - | grep -v '^#' | "
                                    "sed 's/.* //'")
                               .out;
  std::istringstream lines(sums);
  size_t frames = 0;
  for (std::string sum; std::getline(lines, sum); ++frames) {
    EXPECT_EQ(RunCommand({"md5sum", device.Frame(frames)}).out.substr(0, 32), sum) << frames;
  }
  EXPECT_EQ(frames, 12U);
}

TEST_F(ExecTest, ANetworkCamera) {
  std::ofstream(scratch_ + "/camera.py") << kNetworkCamera;
  Process camera({"/usr/bin/python3", scratch_ + "/camera.py"});
  ASSERT_TRUE(WaitUntil([&] { return camera.out().find('\n') != std::string::npos; }))
      << camera.err();
  const std::string url = "rtsp://127.0.0.1:" + std::to_string(std::stoi(camera.out())) + "/door";
  const Device device = Start("exec ffmpeg -v error -nostdin -rtsp_transport tcp -i " + url +
                              " -f yuv4mpegpipe -strict -1 -");
  EXPECT_EQ(device.Get("format"), "YU12");
  EXPECT_EQ(device.Get("width"), "320");
  device.Set("state", "start");
  ASSERT_TRUE(WaitUntil([&] { return device.NextSequence() >= 10; })) << device.LastError();
  EXPECT_EQ(fs::file_size(device.latest()), 320U * 240 * 3 / 2);

  // Off and on again.
  camera.Signal(SIGKILL);
  (void)camera.Wait();
  ASSERT_TRUE(WaitUntil([&] { return !device.LastError().empty(); }));
  EXPECT_NE(device.LastError().find("the program has ended"), std::string::npos);
  EXPECT_EQ(device.Get("state"), "streaming");
}

TEST_F(ExecTest, WhatWentWrongStandsInLastErrorAndInTheEvents) {
  const Device device = Start(
      "printf 'YUV4MPEG2 W16 H16 F25:1 Cmono\\nFRAME\\n'; head -c 256 /dev/zero; "
      "echo 'lens cap is on' >&2; exit 3");
  EventReader events(device);
  device.Set("state", "start");
  ASSERT_TRUE(WaitUntil([&] { return device.NextSequence() >= 2; })) << "it is started again";
  EXPECT_NE(device.LastError().find("exit status 3: lens cap is on"), std::string::npos)
      << device.LastError();
  EXPECT_TRUE(WaitUntil([&] {
    return std::stoi(device.Status().at("settings").at("starts").get<std::string>()) >= 2;
  }));
  const std::string reason = events.NextOf("error").at("reason");
  EXPECT_NE(reason.find("lens cap is on"), std::string::npos) << reason;
  device.Stop();
  EXPECT_EQ(device.LastError(), "");
}

TEST_F(ExecTest, AnotherSizeNeedsAStart) {
  const std::string size = scratch_ + "/size";
  std::ofstream(size) << 16;
  const Device device = Start("read S <" + size +
                              "; printf \"YUV4MPEG2 W$S H16 F25:1 Cmono\\n\"; for i in 1 2 3; do "
                              "printf 'FRAME\\n'; head -c $((S * 16)) /dev/zero; done; exit 1");
  device.Set("state", "start");
  ASSERT_TRUE(WaitUntil([&] { return device.NextSequence() >= 3; }));
  std::ofstream(size) << 32;
  ASSERT_TRUE(WaitUntil([&] { return device.Get("state") == "error"; }));
  EXPECT_NE(device.LastError().find("makes GREY 32x16 now"), std::string::npos)
      << device.LastError();
  device.Set("state", "start");
  ASSERT_TRUE(WaitUntil([&] { return device.Get("width") == "32" && !device.Frames().empty(); }))
      << device.LastError();
  EXPECT_EQ(fs::file_size(device.Frame(device.Frames().front())), 32U * 16);
}

TEST_F(ExecTest, RootsDaemonRunsItAsNobody) {
  if (::geteuid() != 0) GTEST_SKIP() << "an ordinary user's daemon has his rights only";
  const Device device =
      Start("id -un >&2; sleep 1000", ",format=GREY,width=16,height=16,timeout=1");
  device.Set("state", "start");
  ASSERT_TRUE(WaitUntil([&] { return !device.LastError().empty(); }));
  EXPECT_NE(device.LastError().find("last words: nobody"), std::string::npos) << device.LastError();
}

TEST_F(ExecTest, NothingRunsAfterTheDaemonHoweverItEnds) {
  const std::string lines = "sleep 7654321 & sleep 7654321";
  const std::string keys = ",format=GREY,width=16,height=16,state=streaming";
  Start(lines, keys);
  ASSERT_TRUE(WaitUntil([] { return Runs("^sleep 7654321"); }));
  mount_.reset();
  EXPECT_FALSE(Runs("^sleep 7654321"));

  Start(lines, keys);
  ASSERT_TRUE(WaitUntil([] { return Runs("^sleep 7654321"); }));
  mount_->daemon().Signal(SIGKILL);
  (void)mount_->daemon().Wait();
  EXPECT_TRUE(WaitUntil([] { return !Runs("^sleep 7654321"); }));
  mount_->Abandon();
}

TEST_F(ExecTest, AProgramThatMakesNoFramesIsTheErrorOfTheMount) {
  const std::string mountpoint = MakeScratchDirectory("mount");
  Process daemon(
      MountCommand({{"cam0=exec:" + Script("echo 'no such host' >&2; exit 1")}, {}}, mountpoint));
  EXPECT_NE(daemon.Wait(), 0);
  EXPECT_NE(daemon.err().find("makes no frames: exit status 1: no such host"), std::string::npos)
      << daemon.err();
}

TEST_F(ExecTest, APathMayBeRelativeWhereTheDaemonIsStarted) {
  (void)Script("printf 'YUV4MPEG2 W16 H16 F25:1 Cmono\\n'; sleep 100");
  const std::string mountpoint = MakeScratchDirectory("mount");
  const CommandResult result = RunShell("cd " + scratch_ + " && " + DaemonPath() +
                                        " --device cam0=exec:./program " + mountpoint);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_TRUE(IsMounted(mountpoint));
  ForceUnmount(mountpoint);
}

}  // namespace
}  // namespace grabfs::mount_test
