// SPDX-License-Identifier: Apache-2.0
//
// Files as devices: frames byte for byte, and files that are refused or change under our feet.
#include "fusefs/source/software/replay.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "tests/unit/source/rig.h"

namespace grabfs {
namespace {

namespace fs = std::filesystem;

using Kind = Completion::Kind;

constexpr char kHeader[] = "YUV4MPEG2 W16 H16 F25:1 Ip C420jpeg\n";
constexpr size_t kFrameBytes = 16 * 16 * 3 / 2;

// A picture that is different from any other of these tests.
std::string Pixels(int number, size_t bytes = kFrameBytes) {
  std::string pixels(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i)
    pixels[i] = static_cast<char>(static_cast<size_t>(number) * 31 + i * 7 + i / 251);
  return pixels;
}

class Replay : public testing::Test {
 protected:
  Replay() {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    directory_ = testing::TempDir() + "replay_" + name;
    fs::remove_all(directory_);
    fs::create_directories(directory_);
  }
  ~Replay() override { fs::remove_all(directory_); }

  [[nodiscard]] std::string Path(const std::string& name) const { return directory_ + "/" + name; }

  [[nodiscard]] std::string Write(const std::string& name, const std::string& content) const {
    std::ofstream(Path(name), std::ios::binary) << content;
    return Path(name);
  }

  // A Y4M file of so many frames.
  [[nodiscard]] std::string WriteClip(int frames) const {
    std::string content = kHeader;
    for (int i = 0; i < frames; ++i) content += "FRAME\n" + Pixels(i);
    return Write("clip.y4m", content);
  }

  // The message with which a file of this content is refused, without its path.
  [[nodiscard]] std::string Refusal(const std::string& content,
                                    const std::string& options = "") const {
    const std::string path = Write("clip", content);
    const std::string text = ErrorOf(EINVAL, [&] { MakeSourceFrom("replay:" + path + options); });
    const std::string prefix = "replay: " + path + ": ";
    EXPECT_TRUE(text.starts_with(prefix)) << text;
    return text.substr(std::min(prefix.size(), text.size()));
  }

  std::string directory_;
};

std::string ContentOf(const Rig& rig, const Completion& completion) {
  const auto bytes = rig.buffer(completion.buffer).bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST_F(Replay, TakesFormatAndRateFromTheFile) {
  const std::string path = WriteClip(1);
  const auto source = MakeSourceFrom("replay:" + path);
  EXPECT_EQ(source->format(), MakeFrameFormat(kYu12, 16, 16));
  EXPECT_EQ(source->rate(), (Rate{25, 1}));
  EXPECT_EQ(source->description(), "replay:" + path);
}

TEST_F(Replay, TheRateOptionWinsOverTheFiles) {
  EXPECT_EQ(MakeSourceFrom("replay:" + WriteClip(1) + ",rate=7")->rate(), (Rate{7, 1}));
}

TEST_F(Replay, AFileThatTellsNoRateIsReplayedAt30) {
  const std::string path = Write("clip.y4m", "YUV4MPEG2 W16 H16\nFRAME\n" + Pixels(0));
  EXPECT_EQ(MakeSourceFrom("replay:" + path)->rate(), (Rate{30, 1}));
}

TEST_F(Replay, DeliversEveryFrameByteForByteAndLoops) {
  Rig rig("replay:" + WriteClip(5) + ",rate=0");
  rig->Start(0);
  for (uint64_t i = 0; i < 13; ++i) {
    const Completion completion = rig.Next();
    EXPECT_EQ(completion.kind, Kind::kFrame);
    EXPECT_EQ(completion.sequence, i);
    EXPECT_EQ(ContentOf(rig, completion), Pixels(static_cast<int>(i % 5))) << i;
  }
}

TEST_F(Replay, TimeGoesOnWhenAFrameIsLost) {
  Rig rig("replay:" + WriteClip(5) + ",rate=0");
  rig->Start(0);
  rig.Next();
  rig.Next(/*starve=*/true);
  const Completion completion = rig.Next();
  EXPECT_EQ(completion.sequence, 2u);
  EXPECT_EQ(ContentOf(rig, completion), Pixels(2));
}

TEST_F(Replay, FrameHeadersMayHaveParametersOfAnyLength) {
  Rig rig("replay:" +
          Write("clip.y4m", std::string(kHeader) + "FRAME\n" + Pixels(0) + "FRAME Itp XLONGER\n" +
                                Pixels(1) + "FRAME X\n" + Pixels(2)) +
          ",rate=0");
  rig->Start(0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ContentOf(rig, rig.Next()), Pixels(i));
}

TEST_F(Replay, PixelsThatLookLikeHeadersAreNone) {
  std::string pixels;
  while (pixels.size() < kFrameBytes) pixels += "FRAME\n";
  pixels.resize(kFrameBytes);
  Rig rig("replay:" + Write("clip.y4m", kHeader + ("FRAME\n" + pixels) + "FRAME\n" + Pixels(1)) +
          ",rate=0");
  rig->Start(0);
  EXPECT_EQ(ContentOf(rig, rig.Next()), pixels);
  EXPECT_EQ(ContentOf(rig, rig.Next()), Pixels(1));
}

TEST_F(Replay, RefusesAFileThatIsTruncatedAndTellsWhere) {
  const std::string whole = kHeader + ("FRAME\n" + Pixels(0)) + "FRAME\n" + Pixels(1);
  EXPECT_EQ(Refusal(whole.substr(0, whole.size() - 1)),
            "truncated frame 1 at byte 432: 383 of 384 bytes are there");
  EXPECT_EQ(Refusal(whole.substr(0, 432)),
            "truncated frame 1 at byte 432: 0 of 384 bytes are there");
  EXPECT_EQ(Refusal(whole.substr(0, 430)), "truncated frame header at byte 430");
  EXPECT_EQ(Refusal(whole.substr(0, 20)), "truncated YUV4MPEG2 header at byte 20");
}

TEST_F(Replay, EveryTruncationIsRefusedOrIsWholeFrames) {
  const std::string path =
      Write("clip.y4m", kHeader + ("FRAME\n" + Pixels(0)) + "FRAME Ip\n" + Pixels(1));
  constexpr size_t kFirstFrame = sizeof kHeader - 1 + 6 + kFrameBytes;
  for (size_t size = fs::file_size(path) - 1; size > 0; --size) {
    fs::resize_file(path, size);
    const std::string text = ErrorOf(EINVAL, [&] { MakeSourceFrom("replay:" + path); });
    EXPECT_EQ(text.empty(), size == kFirstFrame) << size << ": " << text;
  }
}

TEST_F(Replay, RefusesAFileWithoutFrames) {
  EXPECT_EQ(Refusal(kHeader), "no frame after the header, at byte 36");
}

TEST_F(Replay, RefusesGarbageBetweenFramesAndTellsWhere) {
  EXPECT_EQ(Refusal(kHeader + ("FRAME\n" + Pixels(0)) + "\n"), "no frame header at byte 426");
  EXPECT_EQ(Refusal(kHeader + ("FRAME\n" + Pixels(0)) + "FRAMf\n" + Pixels(1)),
            "no frame header at byte 426");
}

TEST_F(Replay, RefusesWhatItCannotShowWithTheReason) {
  const std::string text = Refusal("YUV4MPEG2 W16 H16 C420p16\nFRAME\n");
  EXPECT_TRUE(text.starts_with("colour space 'C420p16' is none of Cmono ")) << text;
}

TEST_F(Replay, AY4mFileCannotBecomeAnotherFormat) {
  const std::string path = WriteClip(1);
  EXPECT_NO_THROW(MakeSourceFrom("replay:" + path + ",format=YU12,width=16,height=16"));
  const std::string reason =
      "replay: " + path + ": the file is YU12 16x16 and cannot be replayed as another";
  EXPECT_EQ(ErrorOf(EINVAL, [&] { MakeSourceFrom("replay:" + path + ",format=NV12"); }), reason);
  const auto source = MakeSourceFrom("replay:" + path);
  EXPECT_EQ(ErrorOf(EINVAL, [&] { source->SetFormat({.width = 32}); }), reason);
  EXPECT_NO_THROW(source->SetFormat({.width = 16}));
}

TEST_F(Replay, RawFilesAreFramesBackToBack) {
  constexpr size_t kBytes = 1536;  // of 32x16 RGB3
  Rig rig("replay:" + Write("clip.rgb", Pixels(0, kBytes) + Pixels(1, kBytes) + Pixels(2, kBytes)) +
          ",format=RGB3,width=32,height=16,rate=0");
  rig->Start(0);
  for (int i = 0; i < 7; ++i) EXPECT_EQ(ContentOf(rig, rig.Next()), Pixels(i % 3, kBytes)) << i;
}

TEST_F(Replay, RawFilesNeedAFormatAndASize) {
  constexpr char kReason[] = "not YUV4MPEG2; a raw file needs format=, width= and height=";
  EXPECT_EQ(Refusal(Pixels(0)), kReason);
  EXPECT_EQ(Refusal(Pixels(0), ",format=GREY,width=16"), kReason);
  EXPECT_EQ(Refusal("YUV4MPEG W16 H16\n"), kReason);
}

TEST_F(Replay, RawFilesMustBeWholeFrames) {
  constexpr char kOptions[] = ",format=GREY,width=16,height=16";
  EXPECT_EQ(Refusal(Pixels(0, 700), kOptions),
            "truncated frame 2 at byte 512: 188 of 256 bytes are there");
  EXPECT_EQ(Refusal(Pixels(0, 255), kOptions),
            "truncated frame 0 at byte 0: 255 of 256 bytes are there");
}

TEST_F(Replay, RawFilesMayBeLookedAtInAnotherFormatThatDividesThem) {
  Rig rig("replay:" + Write("clip.raw", Pixels(0, 1536)) +
          ",format=GREY,width=16,height=16,rate=0");
  rig->SetFormat({.fourcc = kRgb3});
  rig.Rebind();
  rig->Start(0);
  EXPECT_EQ(ContentOf(rig, rig.Next()), Pixels(0, 1536).substr(0, 768));
  rig->Stop();
  EXPECT_NE(ErrorOf(EINVAL, [&] { rig->SetFormat({.fourcc = kBgr4}); }), "");
  EXPECT_EQ(rig->format().fourcc, kRgb3);
}

TEST_F(Replay, RefusesEmptyFiles) { EXPECT_EQ(Refusal(""), "the file is empty"); }

TEST_F(Replay, RefusesWhatIsNoRegularFileAndDoesNotWaitForIt) {
  EXPECT_EQ(ErrorOf(EINVAL, [&] { MakeSourceFrom("replay:" + directory_); }),
            "replay: " + directory_ + ": not a regular file");
  ASSERT_EQ(::mkfifo(Path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(ErrorOf(EINVAL, [&] { MakeSourceFrom("replay:" + Path("fifo")); }),
            "replay: " + Path("fifo") + ": not a regular file");
}

TEST_F(Replay, RefusesAFileThatIsNotThere) {
  EXPECT_EQ(ErrorOf(ENOENT, [] { MakeSourceFrom("replay:/no/such/clip.y4m"); }),
            "replay: /no/such/clip.y4m: No such file or directory");
  EXPECT_EQ(ErrorOf(EINVAL, [] { MakeSourceFrom("replay"); }),
            "replay: give the file, as in replay:FILE");
}

TEST_F(Replay, AFileThatBecomesShorterIsAnErrorOfTheFramesItLost) {
  const std::string path = WriteClip(3);
  Rig rig("replay:" + path + ",rate=0");
  rig->Start(0);
  rig.Next();
  fs::resize_file(path, 500);
  const Completion error = rig.Next();
  EXPECT_EQ(error.kind, Kind::kError);
  EXPECT_EQ(error.sequence, 1u);
  EXPECT_EQ(error.reason,
            "replay: " + path + ": the file has become shorter: frame 1 ends at byte 500");
  EXPECT_EQ(rig.Next().kind, Kind::kError);
  EXPECT_EQ(rig.Next().kind, Kind::kFrame);
}

TEST_F(Replay, AFileThatIsDeletedIsReplayedAllTheSame) {
  const std::string path = WriteClip(2);
  Rig rig("replay:" + path + ",rate=0");
  fs::remove(path);
  rig->Start(0);
  EXPECT_EQ(ContentOf(rig, rig.Next()), Pixels(0));
}

}  // namespace
}  // namespace grabfs
