// SPDX-License-Identifier: Apache-2.0
//
// Real pictures: ffmpeg makes a clip of photographs that a Debian package ships, grabfs replays it,
// and every frame, however it is read back, equals ffmpeg's own decoding of the clip byte for byte.
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPhotographs = "/usr/share/backgrounds";
constexpr const char* kPackage = "lomiri-wallpapers-16.04";
constexpr size_t kMostFrames = 6;
constexpr const char* kClipWidth = "642";  // even, but no multiple of anything larger
constexpr const char* kClipHeight = "362";

void Execute(const std::vector<std::string>& command) {
  const CommandResult result = RunCommand(command);
  if (result.status != 0) throw std::runtime_error(command[0] + ": " + result.err);
}

void Ffmpeg(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {"ffmpeg", "-v", "error", "-nostdin", "-y"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  Execute(command);
}

std::vector<std::string> Photographs() {
  std::vector<std::string> paths;
  if (!fs::exists(kPhotographs)) return paths;
  for (const auto& entry : fs::directory_iterator(kPhotographs)) {
    if (entry.path().extension() == ".jpg") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  paths.resize(std::min(paths.size(), kMostFrames));
  return paths;
}

// One clip in two forms, and what ffmpeg decodes from it.
struct Clip {
  std::string y4m;
  std::string raw;  // rgb24
  std::vector<std::byte> yuv420p;
  std::vector<std::byte> rgb24;
  size_t frames = 0;
};

class RealPicturesTest : public EnvironmentTest {
 protected:
  static void SetUpTestSuite() {
    if (!SkipReason().empty()) return;
    const std::vector<std::string> photographs = Photographs();
    if (photographs.empty()) {
      throw std::runtime_error(std::string("no photographs: install ") + kPackage);
    }
    clip_ = std::make_unique<Clip>(MakeClip(photographs));
  }
  static void TearDownTestSuite() { clip_.reset(); }

  static const Clip& clip() { return *clip_; }

  static Clip MakeClip(const std::vector<std::string>& photographs) {
    Clip clip;
    const std::string directory = MakeScratchDirectory("clip");
    for (size_t i = 0; i < photographs.size(); i++) {
      fs::create_symlink(photographs[i], directory + "/" + std::to_string(1000 + i) + ".jpg");
    }
    clip.frames = photographs.size();
    clip.y4m = directory + "/clip.y4m";
    clip.raw = directory + "/clip.rgb";
    const std::string yuv = directory + "/clip.yuv";
    const std::string scale = std::string("scale=") + kClipWidth + ":" + kClipHeight;
    Ffmpeg({"-framerate", "25", "-start_number", "1000", "-i", directory + "/%d.jpg", "-vf", scale,
            "-pix_fmt", "yuv420p", clip.y4m});
    Ffmpeg({"-i", clip.y4m, "-f", "rawvideo", "-pix_fmt", "yuv420p", yuv});
    Ffmpeg({"-i", clip.y4m, "-f", "rawvideo", "-pix_fmt", "rgb24", clip.raw});
    clip.yuv420p = ReadFile(yuv);
    clip.rgb24 = ReadFile(clip.raw);
    return clip;
  }

  static std::string Y4mDevice() { return "clip=replay:" + clip().y4m + Rest(); }
  static std::string RawDevice() {
    return "clip=replay:" + clip().raw + ",format=RGB3,width=" + kClipWidth +
           ",height=" + kClipHeight + Rest();
  }

  // Frame `sequence` of a looped clip, as ffmpeg decodes it.
  static std::span<const std::byte> Decoded(const std::vector<std::byte>& all, uint64_t sequence) {
    const size_t bytes = all.size() / clip().frames;
    return std::span(all).subspan(sequence % clip().frames * bytes, bytes);
  }

  // Two times through the clip; every frame by every way of reading.
  static void ExpectReplayed(const Mount& mount, const std::vector<std::byte>& all) {
    const Device device = mount.GetDevice("clip");
    const std::string copy = MakeScratchDirectory("copy") + "/frame";
    for (size_t i = 0; i < 2 * clip().frames; i++) {
      const uint64_t sequence = device.Capture(1);
      const std::span<const std::byte> decoded = Decoded(all, sequence);
      const std::string frame = device.Frame(sequence);
      EXPECT_TRUE(std::ranges::equal(ReadFile(frame), decoded)) << "read " << sequence;
      EXPECT_TRUE(std::ranges::equal(MapAndClose(frame).bytes(), decoded)) << "mmap " << sequence;
      Execute({"cp", "--no-preserve=mode", frame, copy});
      EXPECT_TRUE(std::ranges::equal(ReadFile(copy), decoded)) << "cp " << sequence;
    }
  }

 private:
  static std::string Rest() { return ",rate=0,buffers=4,state=stopped"; }
  static inline std::unique_ptr<Clip> clip_;
};

TEST_F(RealPicturesTest, AYuv4mpegClipIsReplayedAsFfmpegDecodesIt) {
  const Mount mount({{Y4mDevice()}, {}});
  EXPECT_EQ(mount.GetDevice("clip").Get("format"), "YU12");
  EXPECT_EQ(mount.GetDevice("clip").Get("width"), kClipWidth);
  EXPECT_EQ(mount.GetDevice("clip").Get("height"), kClipHeight);
  ExpectReplayed(mount, clip().yuv420p);
}

TEST_F(RealPicturesTest, TheRateIsTheClipsOwnUnlessGiven) {
  const Mount mount({{"clip=replay:" + clip().y4m + ",state=stopped"}, {}});
  EXPECT_EQ(mount.GetDevice("clip").Get("rate"), "25");
}

TEST_F(RealPicturesTest, ARawClipIsReplayedAsFfmpegDecodesIt) {
  ExpectReplayed(Mount({{RawDevice()}, {}}), clip().rgb24);
}

// ffmpeg itself reads a frame of the mount and makes a PNG of it: lossless, so nothing may change.
TEST_F(RealPicturesTest, APngMadeOfAFrameByFfmpegHasItsPixels) {
  const Mount mount({{RawDevice()}, {}});
  const Device device = mount.GetDevice("clip");
  const std::string place = MakeScratchDirectory("png");
  for (size_t i = 0; i < clip().frames; i++) {
    const uint64_t sequence = device.Capture(1);
    Ffmpeg({"-f", "rawvideo", "-pixel_format", "rgb24", "-video_size",
            std::string(kClipWidth) + "x" + kClipHeight, "-i", device.Frame(sequence),
            place + "/frame.png"});
    Ffmpeg({"-i", place + "/frame.png", "-f", "rawvideo", "-pix_fmt", "rgb24", place + "/back"});
    EXPECT_TRUE(std::ranges::equal(ReadFile(place + "/back"), Decoded(clip().rgb24, sequence)))
        << sequence;
  }
}

TEST_F(RealPicturesTest, APngSavedByTheCommandLineHasItsPixels) {
  const Mount mount({{RawDevice()}, {}});
  const Device device = mount.GetDevice("clip");
  const std::string place = MakeScratchDirectory("png");
  for (size_t i = 0; i < clip().frames; i++) {
    const uint64_t sequence = device.Capture(1);
    Execute({CliPath(), "--mount", mount.path(), "save", "clip", "--sequence",
             std::to_string(sequence), "-o", place + "/frame.png"});
    Ffmpeg({"-i", place + "/frame.png", "-f", "rawvideo", "-pix_fmt", "rgb24", place + "/back"});
    EXPECT_TRUE(std::ranges::equal(ReadFile(place + "/back"), Decoded(clip().rgb24, sequence)))
        << sequence;
  }
}

}  // namespace
}  // namespace grabfs::mount_test
