// SPDX-License-Identifier: Apache-2.0
//
// Bad command lines and bad surroundings: the daemon refuses with a status other than 0 and one
// line that says what is wrong, and nothing is mounted.
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "fusefs/base/version.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

class StartupTest : public EnvironmentTest {
 protected:
  // Refused, in one line, with these words in it (case does not matter); nothing is mounted.
  static void ExpectRefused(const std::vector<std::string>& command,
                            const std::vector<std::string>& words) {
    Process process(command);
    const int status = process.Wait();
    const std::string said = process.err();
    EXPECT_NE(status, 0) << said;
    EXPECT_LT(status, 126) << "not a refusal but a crash: " << said;
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
    for (const std::string& word : words) {
      EXPECT_NE(Lower(said).find(Lower(word)), std::string::npos)
          << "no '" << word << "': " << said;
    }
    EXPECT_FALSE(IsMounted(command.back()));
  }

  void ExpectDeviceRefused(const std::string& device, const std::vector<std::string>& words) {
    SCOPED_TRACE(device);
    ExpectRefused(MountCommand({{device}, {}}, mountpoint()), words);
  }

  const std::string& mountpoint() {
    if (mountpoint_.empty()) mountpoint_ = MakeScratchDirectory("mount");
    return mountpoint_;
  }

 private:
  static std::string Lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
  }
  std::string mountpoint_;
};

TEST_F(StartupTest, AnUnknownSourceIsNamedWithTheKnownOnes) {
  ExpectDeviceRefused("sim0=telescope", {"telescope", "pattern", "replay"});
  ExpectDeviceRefused("sim0=", {"source"});
  ExpectDeviceRefused("sim0", {"sim0"});
}

TEST_F(StartupTest, AnUnknownKeyIsNamed) {
  ExpectDeviceRefused("sim0=pattern,colour=red", {"colour"});
  ExpectDeviceRefused("sim0=pattern,width", {"width"});
  ExpectDeviceRefused("sim0=pattern,width=64,width=64", {"width"});
}

TEST_F(StartupTest, SizesThatCannotBeAreNamed) {
  for (const std::string size : {"0", "15", "17", "-64", "16386", "4294967360", "abc"}) {
    ExpectDeviceRefused("sim0=pattern,width=" + size, {"width", size});
    ExpectDeviceRefused("sim0=pattern,height=" + size, {"height", size});
  }
}

TEST_F(StartupTest, AnUnknownFormatIsNamedWithTheKnownOnes) {
  ExpectDeviceRefused("sim0=pattern,format=NOPE", {"NOPE", "GREY", "BGR4"});
}

TEST_F(StartupTest, RatesThatCannotBeAreNamed) {
  for (const std::string rate : {"-1", "10001", "fast", "1/0"}) {
    ExpectDeviceRefused("sim0=pattern,rate=" + rate, {"rate", rate});
  }
}

TEST_F(StartupTest, PolicyAndStateMustBeKnown) {
  ExpectDeviceRefused("sim0=pattern,policy=keep-some", {"keep-some", "keep-newest", "keep-oldest"});
  ExpectDeviceRefused("sim0=pattern,state=confused", {"confused"});
}

TEST_F(StartupTest, ThereMustBeBuffers) {
  for (const std::string count : {"0", "-1", "many", "99999999999"}) {
    ExpectDeviceRefused("sim0=pattern,buffers=" + count, {"buffers", count});
  }
}

TEST_F(StartupTest, BuffersBeyondMemoryAreRefusedWithTheArithmetic) {
  ExpectDeviceRefused("sim0=pattern,format=BGR4,width=16384,height=16384,buffers=1000",
                      {"1000", "1073741824", "available"});
}

TEST_F(StartupTest, DevicesTogetherMustFitInMemoryToo) {
  std::vector<std::string> devices;
  for (int i = 0; i < 40; i++) {
    devices.push_back("d" + std::to_string(i) +
                      "=pattern,format=BGR4,width=16384,height=16384,buffers=4");
  }
  ExpectRefused(MountCommand({devices, {}}, mountpoint()), {"together", "171798", "available"});
}

TEST_F(StartupTest, DeviceNamesMustBeFileNames) {
  for (const std::string name : {"a/b", "..", ".", "", "status.json"}) {
    ExpectDeviceRefused(name + "=pattern", {"name"});
  }
  ExpectDeviceRefused(std::string(256, 'x') + "=pattern", {"name"});
}

TEST_F(StartupTest, DeviceNamesMustDiffer) {
  ExpectRefused(MountCommand({{"sim0=pattern", "sim0=pattern"}, {}}, mountpoint()), {"sim0"});
}

TEST_F(StartupTest, AMissingReplayFileIsNamed) {
  ExpectDeviceRefused("sim0=replay:/nowhere/clip.y4m", {"/nowhere/clip.y4m"});
  ExpectDeviceRefused("sim0=replay:", {"replay"});
}

TEST_F(StartupTest, ATruncatedReplayFileIsRefusedWithTheOffset) {
  const std::string clip = MakeScratchDirectory("clip") + "/clip.y4m";
  std::string text = "YUV4MPEG2 W16 H16 F25:1 C420jpeg\n";
  const std::string frame = "FRAME\n" + std::string(16 * 16 * 3 / 2, 'x');
  const size_t second = text.size() + frame.size();
  text += frame + frame.substr(0, 100);
  CreateFile(clip, std::as_bytes(std::span(text)));
  ExpectDeviceRefused("sim0=replay:" + clip, {"truncated", "clip.y4m"});
  Process process(MountCommand({{"sim0=replay:" + clip}, {}}, mountpoint()));
  process.Wait();
  // Either where the frame begins, where its pixels begin, or where the file ends is a byte offset
  // that leads to the damage.
  const bool told =
      std::ranges::any_of(std::vector<size_t>{second, second + 6, text.size()}, [&](size_t offset) {
        return process.err().find(std::to_string(offset)) != std::string::npos;
      });
  EXPECT_TRUE(told) << process.err();
}

TEST_F(StartupTest, AMalformedReplayFileIsRefusedWithTheOffset) {
  const std::string clip = MakeScratchDirectory("clip") + "/clip.y4m";
  for (const std::string text : {"YUV4MPEG2\n", "YUV4MPEG2 W16\n", "YUV4MPEG2 Wx Hy\n",
                                 "YUV4MPEG2 W16 H16 F25:1 C420jpeg\nFRAM"}) {
    CreateFile(clip, std::as_bytes(std::span(text)));
    ExpectDeviceRefused("sim0=replay:" + clip, {"clip.y4m", "byte"});
  }
}

TEST_F(StartupTest, AFileThatIsNoClipIsNamed) {
  const std::string clip = MakeScratchDirectory("clip") + "/clip.y4m";
  for (const std::string text : {"", "RIFF"}) {
    CreateFile(clip, std::as_bytes(std::span(text)));
    ExpectDeviceRefused("sim0=replay:" + clip, {"clip.y4m"});
  }
}

TEST_F(StartupTest, ARawReplayFileMustBeWholeFrames) {
  const std::string clip = MakeScratchDirectory("clip") + "/clip.raw";
  CreateFile(clip, std::vector<std::byte>(1000));
  ExpectDeviceRefused("sim0=replay:" + clip + ",format=GREY,width=16,height=16",
                      {"clip.raw", "256"});
  ExpectDeviceRefused("sim0=replay:" + clip, {"clip.raw"});
}

TEST_F(StartupTest, AMissingDeviceNodeIsNamed) {
  ExpectDeviceRefused("grab0=grabdma:/dev/nosuch0", {"/dev/nosuch0"});
}

TEST_F(StartupTest, TheMountPointMustBeADirectory) {
  const std::string place = MakeScratchDirectory("place");
  const std::string file = place + "/file";
  CreateFile(file, {});
  ExpectRefused(MountCommand({{kDevice}, {}}, place + "/missing"), {place + "/missing"});
  ExpectRefused(MountCommand({{kDevice}, {}}, file), {file});
}

TEST_F(StartupTest, AMountPointInUseIsRefusedAndTheFirstMountLives) {
  Mount first({{kDevice}, {}});
  const CommandResult second = RunCommand(MountCommand({{kDevice}, {}}, first.path()));
  EXPECT_NE(second.status, 0);
  EXPECT_NE(second.err.find(first.path()), std::string::npos) << second.err;
  first.GetDevice().Capture(1);
}

TEST_F(StartupTest, TheCommandLineMustMakeSense) {
  const std::string program = DaemonPath();
  ExpectRefused({program, "--device", kDevice}, {"mount point"});
  ExpectRefused({program, "--nonsense", mountpoint()}, {"--nonsense"});
  ExpectRefused({program, "-o", "nonsense", mountpoint()}, {"nonsense"});
  ExpectRefused({program, "-o", "umask=999", mountpoint()}, {"umask"});
  ExpectRefused({program, "-o", "uid=somebody-else", mountpoint()}, {"uid", "somebody-else"});
  ExpectRefused({program, "-o", "frame_mode=755", mountpoint()}, {"frame_mode", "640"});
  ExpectRefused({program, "-o", "passthrough=maybe", mountpoint()}, {"passthrough"});
  for (const char* limit : {"hold_limit=3", "hold_limit=0%", "hold_limit=101%", "hold_limit=x%"}) {
    ExpectRefused({program, "-o", limit, mountpoint()}, {"hold_limit"});
  }
  ExpectRefused({program, "-f", mountpoint(), mountpoint()}, {mountpoint()});
}

// In the background too, the command itself tells what went wrong and returns it.
TEST_F(StartupTest, TheBackgroundDaemonReportsItsFailureThroughTheCommand) {
  ExpectRefused({DaemonPath(), "--device", "sim0=pattern,width=17", mountpoint()}, {"17"});
  ExpectRefused({DaemonPath(), "--device", kDevice, "/nowhere/at/all"}, {"/nowhere/at/all"});
}

TEST_F(StartupTest, WithoutTheFuseDeviceItSaysSo) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can hide /dev/fuse";
  std::vector<std::string> command = {
      "unshare",
      "-m",
      "bash",
      "-c",
      "mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && exec \"$@\"",
      "bash"};
  const std::vector<std::string> daemon = MountCommand({{kDevice}, {}}, mountpoint());
  command.insert(command.end(), daemon.begin(), daemon.end());
  ExpectRefused(command, {"/dev/fuse"});
}

TEST_F(StartupTest, WithoutAccessToTheFuseDeviceItSaysSo) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can take access away";
  const std::string mine = mountpoint();
  ASSERT_EQ(::chown(mine.c_str(), kOtherUid, kOtherGid), 0);
  std::vector<std::string> command = {"unshare",
                                      "-m",
                                      "bash",
                                      "-c",
                                      "mknod -m 600 " + mine + ".node c 10 229 && mount --bind " +
                                          mine +
                                          ".node /dev/fuse && "
                                          "exec setpriv --reuid " +
                                          std::to_string(kOtherUid) + " --regid " +
                                          std::to_string(kOtherGid) + " --clear-groups \"$@\"",
                                      "bash"};
  const std::vector<std::string> daemon = MountCommand({{kDevice}, {}}, mine);
  command.insert(command.end(), daemon.begin(), daemon.end());
  ExpectRefused(command, {"/dev/fuse"});
}

TEST_F(StartupTest, AMountPointOfSomebodyElseIsRefused) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may mount anywhere";
  ExpectRefused(MountCommand({{kDevice}, {}}, "/usr"), {"/usr"});
}

TEST_F(StartupTest, HelpAndVersionAreAnswers) {
  const CommandResult help = RunCommand({DaemonPath(), "--help"});
  EXPECT_EQ(help.status, 0) << help.err;
  EXPECT_NE(help.out.find("--device"), std::string::npos);
  const CommandResult version = RunCommand({DaemonPath(), "--version"});
  EXPECT_EQ(version.status, 0) << version.err;
  EXPECT_TRUE(version.out.starts_with(std::string("grabfs ") + kVersion)) << version.out;
  EXPECT_NE(version.out.find("\nsources: pattern "), std::string::npos) << version.out;
  EXPECT_NE(version.out.find("\nlibfuse 3."), std::string::npos) << version.out;
}

}  // namespace
}  // namespace grabfs::mount_test
