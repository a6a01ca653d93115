// SPDX-License-Identifier: Apache-2.0
//
// Streams as programs of others read them: ffmpeg, GStreamer, pv and cat get frame after frame,
// each the frame that it is, and end when the device stops.
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

// Enough buffers for all frames of a test: nothing may be lost because a program starts slowly.
constexpr const char* kManyBuffers =
    "sim0=pattern,format=GREY,width=130,height=94,rate=0,buffers=32,state=stopped";
constexpr unsigned kFrames = 12;

class StreamProgramsTest : public MountTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (IsSkipped()) return;
    Start({{kManyBuffers}, {}});
    scratch_ = MakeScratchDirectory("streams");
  }

  // Whether a thread of the process waits in the kernel for a file of the mount, by read() or
  // poll().
  static bool WaitsForFrames(const std::string& process) {
    std::error_code gone;
    for (const auto& thread :
         std::filesystem::directory_iterator("/proc/" + process + "/task", gone)) {
      std::ifstream file(thread.path() / "wchan");
      std::string function;
      file >> function;
      for (const char* const part : {"request_wait", "fuse", "poll"}) {
        if (function.find(part) != std::string::npos) return true;
      }
    }
    return false;
  }

  // Frames 0 to kFrames - 1, once the program reads its stream: what comes before is not kept for
  // it.
  void CaptureFor(Process& program) const {
    ASSERT_TRUE(WaitUntil([&] {
      const auto streams = device().Status().at("streams");
      return program.Poll().has_value() ||
             (!streams.empty() && WaitsForFrames(to_string(streams.front().at("pid"))));
    })) << program.err();
    device().Capture(kFrames);
  }

  // The file is the frames from number 0 on, at least `frames` of them.
  static void ExpectFrames(const std::string& path, const Picture& picture, size_t frames) {
    const auto all = mount_test::ReadFile(path);
    ASSERT_GE(all.size(), frames * picture.bytes());
    ASSERT_EQ(all.size() % picture.bytes(), 0U);
    for (size_t i = 0; i < all.size() / picture.bytes(); i++) {
      EXPECT_TRUE(picture.IsFrame(std::span(all).subspan(i * picture.bytes(), picture.bytes()), i));
    }
  }

  std::string scratch_;
};

TEST_F(StreamProgramsTest, FfmpegDecodesEveryFrame) {
  Process ffmpeg({"ffmpeg", "-v", "error", "-nostdin", "-i", device().Path("stream-lossless.y4m"),
                  "-frames:v", "10", "-f", "framemd5", "-"});
  CaptureFor(ffmpeg);
  EXPECT_EQ(ffmpeg.Wait(), 0) << ffmpeg.err();
  std::vector<std::string> sums;
  std::istringstream lines(ffmpeg.out());
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("#")) sums.push_back(line.substr(line.rfind(' ') + 1));
  }
  ASSERT_EQ(sums.size(), 10U) << ffmpeg.out();
  for (size_t i = 0; i < sums.size(); i++) {
    EXPECT_EQ(RunCommand({"md5sum", device().Frame(i)}).out.substr(0, 32), sums[i]) << i;
  }
}

TEST_F(StreamProgramsTest, FfmpegEncodesAFilm) {
  device().Set("format", "BGR4");
  const std::string film = scratch_ + "/out.mp4";
  Process ffmpeg({"ffmpeg", "-v", "error", "-nostdin", "-i", device().Path("stream.y4m"),
                  "-frames:v", "10", film});
  CaptureFor(ffmpeg);
  EXPECT_EQ(ffmpeg.Wait(), 0) << ffmpeg.err();
  const CommandResult probe =
      RunCommand({"ffprobe", "-v", "error", "-count_frames", "-show_entries",
                  "stream=nb_read_frames,width,height", "-of", "csv=p=0", film});
  EXPECT_EQ(probe.out, "130,94,10\n") << probe.err;
}

// Rows of its pictures are a multiple of four bytes.
TEST_F(StreamProgramsTest, GstreamerPassesFramesOn) {
  device().Set("width", "128");
  const std::string copy = scratch_ + "/gst.raw";
  Process gst({"gst-launch-1.0", "-q", "filesrc",
               "location=" + device().Path("stream-lossless.raw"), "!", "rawvideoparse",
               "format=gray8", "width=128", "height=94", "!", "identity", "eos-after=10", "!",
               "filesink", "location=" + copy});
  CaptureFor(gst);
  EXPECT_EQ(gst.Wait(), 0) << gst.err();
  ExpectFrames(copy, Picture("GREY", 128, kHeight), 9);
}

TEST_F(StreamProgramsTest, PvAndCatCopyUntilTheDeviceStops) {
  for (const std::string program : {"pv -q", "cat"}) {
    for (const std::string pipe : {"", " | cat"}) {
      Start({{kManyBuffers}, {}});
      const std::string copy = scratch_ + "/copy.raw";
      Process shell(
          {"sh", "-c", program + " " + device().Path("stream-lossless.raw") + pipe + " > " + copy});
      CaptureFor(shell);
      // Software triggers do not end a stream; slow enough for any reader.
      device().Set("rate", "1");
      device().Set("state", "start");
      device().Stop();
      EXPECT_EQ(shell.Wait(), 0) << program << pipe << ": " << shell.err();
      ExpectFrames(copy, picture_, kFrames);
    }
  }
}

}  // namespace
}  // namespace grabfs::mount_test
