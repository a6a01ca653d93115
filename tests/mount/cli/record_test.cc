// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli record and stream on a real mount: every frame that they say they took is in the file,
// whole and in order; what is missing is told.
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/mount/cli/cli_fixture.h"

namespace grabfs::mount_test {
namespace {

// Frames of whole pages, so that their pages go to the disk as they are.
constexpr uint32_t kSide = 128;
constexpr const char* kPages =
    "sim0=pattern,format=GREY,width=128,height=128,rate=200,buffers=32,state=stopped";

class CliRecordTest : public CliTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (IsSkipped()) return;
    Start({{kPages}, {}});
    place_ = MakeScratchDirectory("recorded");
  }
  [[nodiscard]] std::string Place(const std::string& name) const { return place_ + "/" + name; }
  static nlohmann::json Json(const std::string& text) { return nlohmann::json::parse(text); }

  // Frame after frame with rising numbers, and no others; returns the numbers.
  static std::vector<uint64_t> Frames(std::span<const std::byte> all, const Picture& picture) {
    std::vector<uint64_t> numbers;
    EXPECT_EQ(all.size() % picture.bytes(), 0U);
    for (size_t at = 0; at + picture.bytes() <= all.size(); at += picture.bytes()) {
      const auto frame = all.subspan(at, picture.bytes());
      numbers.push_back(Picture::Stamp(frame));
      EXPECT_TRUE(picture.IsFrame(frame, numbers.back()));
    }
    EXPECT_EQ(std::ranges::adjacent_find(numbers, std::ranges::greater_equal()), numbers.end());
    return numbers;
  }

  const Picture pages_{"GREY", kSide, kSide};
  std::string place_;
};

TEST_F(CliRecordTest, ARawRecordingIsEveryFrameWithAnIndex) {
  const CommandResult result =
      Cli({"record", "-o", Place("a.raw"), "-n", "100", "--no-drop", "--json"});
  ASSERT_EQ(result.status, kDone) << result.err;
  const auto summary = Json(result.out);
  EXPECT_EQ(summary.at("frames"), 100);
  EXPECT_EQ(summary.at("lost"), 0);
  EXPECT_EQ(summary.at("bytes"), 100 * pages_.bytes());
  const auto all = ReadFile(Place("a.raw"));
  const auto numbers = Frames(all, pages_);
  ASSERT_EQ(numbers.size(), 100U);
  EXPECT_EQ(numbers.back() - numbers.front(), 99U);

  const auto lines = Lines(ReadText(Place("a.raw.jsonl")));
  ASSERT_EQ(lines.size(), 101U);
  EXPECT_EQ(Json(lines[0]).at("format"), "GREY");
  EXPECT_EQ(Json(lines[0]).at("stride"), kSide);
  for (size_t i = 0; i < 100; i++) {
    const auto line = Json(lines[i + 1]);
    EXPECT_EQ(line.at("sequence"), numbers[i]);
    EXPECT_EQ(line.at("offset"), i * pages_.bytes());
  }
  EXPECT_EQ(device().Get("state"), "stopped") << "as it was before";
}

TEST_F(CliRecordTest, FramesThatAreNoWholePagesAreRecordedToo) {
  device().Set("width", "130");
  const CommandResult result = Cli({"record", "-o", Place("a.raw"), "-n", "150"});
  ASSERT_EQ(result.status, kDone) << result.err;
  EXPECT_EQ(Frames(ReadFile(Place("a.raw")), Picture("GREY", 130, kSide)).size(), 150U);
}

TEST_F(CliRecordTest, FramesFromBeforeComeFirst) {
  const uint64_t last = device().Capture(10);
  const CommandResult result =
      Cli({"record", "-o", Place("a.raw"), "--pre", "6", "-n", "20", "--json"});
  ASSERT_EQ(result.status, kDone) << result.err;
  EXPECT_EQ(Json(result.out).at("pre"), 6);
  const auto numbers = Frames(ReadFile(Place("a.raw")), pages_);
  ASSERT_EQ(numbers.size(), 26U);
  EXPECT_EQ(numbers[0], last - 5);
  EXPECT_EQ(numbers[5], last);
  EXPECT_EQ(numbers[6], last + 1);
}

TEST_F(CliRecordTest, FramesFromBeforeMayBeMoreThanAProcessUsuallyOpens) {
  device().Set("buffers_count", "150");
  device().Capture(120);
  const CommandResult result =
      RunShell("ulimit -Sn 64; " + CliPath() + " record --mount " + mount().path() + " -o " +
               Place("a.raw") + " --pre 120 -n 1 --json");
  ASSERT_EQ(result.status, kDone) << result.err;
  EXPECT_EQ(Json(result.out).at("pre"), 120);
}

TEST_F(CliRecordTest, AY4mRecordingIsDecodedFrameByFrame) {
  ASSERT_EQ(Cli({"record", "-o", Place("a.y4m"), "-n", "20"}).status, kDone);
  const CommandResult decoded =
      RunCommand({"ffmpeg", "-v", "error", "-nostdin", "-i", Place("a.y4m"), "-f", "rawvideo",
                  "-pix_fmt", "gray", Place("a.gray")});
  ASSERT_EQ(decoded.status, 0) << decoded.err;
  EXPECT_EQ(Frames(ReadFile(Place("a.gray")), pages_).size(), 20U);
}

TEST_F(CliRecordTest, ATiffRecordingHasAPageForEachFrame) {
  ASSERT_EQ(Cli({"record", "-o", Place("a.tiff"), "-n", "5"}).status, kDone);
  const auto file = ReadFile(Place("a.tiff"));
  // Every page is one uncompressed strip: the frames are in the file as they are.
  size_t found = 0;
  for (size_t at = 8; at + pages_.bytes() <= file.size();) {
    const auto frame = std::span(file).subspan(at, pages_.bytes());
    const uint64_t number = Picture::Stamp(frame);
    if (number < 1000 && pages_.IsFrame(frame, number)) {
      ++found;
      at += pages_.bytes();
    } else {
      at += 2;
    }
  }
  EXPECT_EQ(found, 5U);
}

TEST_F(CliRecordTest, ASignalEndsARecordingThatIsWhole) {
  Process record({CliPath(), "record", "--mount", mount().path(), "-o", Place("a.raw"), "--json"});
  ASSERT_TRUE(WaitUntil([&] { return device().NextSequence() > 20; })) << record.err();
  record.Signal(SIGINT);
  EXPECT_EQ(record.Wait(), kDone) << record.err();
  const auto numbers = Frames(ReadFile(Place("a.raw")), pages_);
  EXPECT_EQ(Json(record.out()).at("frames"), numbers.size());
  EXPECT_GT(numbers.size(), 0U);
  EXPECT_EQ(device().Get("state"), "stopped");
}

// What the index names is in the file, whenever the program dies.
TEST_F(CliRecordTest, AKilledRecordingHasWhatItsIndexNames) {
  Process record({CliPath(), "record", "--mount", mount().path(), "-o", Place("a.raw")});
  ASSERT_TRUE(WaitUntil([&] { return device().NextSequence() > 20; })) << record.err();
  record.Signal(SIGKILL);
  record.Wait();
  const auto all = ReadFile(Place("a.raw"));
  const auto index = Lines(ReadText(Place("a.raw.jsonl")));
  const size_t named = index.size() - 1;
  EXPECT_GT(named, 0U);
  ASSERT_GE(all.size(), named * pages_.bytes());
  EXPECT_EQ(Frames(std::span(all).first(named * pages_.bytes()), pages_).back(),
            Json(index.back()).at("sequence"));
}

// A small file system, mounted while this lives; invalid where that cannot be.
class SmallDisk {
 public:
  SmallDisk(const std::string& type, const std::string& place) : path_(place + "/disk") {
    std::filesystem::create_directory(path_);
    const std::string image = place + "/image";
    const std::string line = type == "tmpfs"
                                 ? "mount -t tmpfs -o size=1M none " + path_
                                 : "truncate -s 4M " + image + " && mkfs." + type + " -q " + image +
                                       " && mount -o loop " + image + " " + path_;
    made_ = RunShell(line);
  }
  ~SmallDisk() {
    if (valid()) RunCommand({"umount", path_});
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  [[nodiscard]] bool valid() const { return made_.status == 0; }
  [[nodiscard]] const std::string& reason() const { return made_.err; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  const std::string path_;
  CommandResult made_;
};

class FullDiskTest : public CliRecordTest, public ::testing::WithParamInterface<const char*> {
 protected:
  // What a recording says that meets the end of the disk: how many frames are kept.
  size_t Fill(const std::string& file) {
    const CommandResult result = Cli({"record", "-o", file, "-n", "10000"});
    EXPECT_EQ(result.status, kFailed) << result.err;
    EXPECT_NE(result.err.find(file), std::string::npos) << result.err;
    const size_t told = result.err.find("No space left on device: ");
    EXPECT_NE(told, std::string::npos) << result.err;
    return told == std::string::npos ? 0 : std::stoul(result.err.substr(told + 25));
  }
};

TEST_P(FullDiskTest, KeepsEveryWholeFrame) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root mounts disks";
  const SmallDisk disk(GetParam(), place_);
  if (!disk.valid()) GTEST_SKIP() << disk.reason();
  const std::string raw = disk.path() + "/a.raw";
  size_t kept = Fill(raw);
  EXPECT_GT(kept, 10U);
  const auto numbers = Frames(ReadFile(raw), pages_);
  EXPECT_EQ(numbers.size(), kept);
  const auto index = Lines(ReadText(raw + ".jsonl"));
  ASSERT_EQ(index.size(), 1 + kept);
  EXPECT_EQ(Json(index.back()).at("sequence"), numbers.back());
  std::filesystem::remove(raw);
  std::filesystem::remove(raw + ".jsonl");

  const std::string film = disk.path() + "/a.y4m";
  kept = Fill(film);
  EXPECT_GT(kept, 10U);
  const std::string bytes = ReadText(film);
  const size_t header = bytes.find('\n') + 1;
  EXPECT_EQ(bytes.size(), header + kept * (pages_.bytes() + std::string("FRAME\n").size()));
  std::filesystem::remove(film);

  const std::string pages = disk.path() + "/a.tiff";
  kept = Fill(pages);
  EXPECT_GT(kept, 10U);
  const CommandResult read = RunShell("identify " + pages + " | wc -l");
  EXPECT_EQ(read.out, std::to_string(kept) + "\n") << read.err;
}

INSTANTIATE_TEST_SUITE_P(FileSystems, FullDiskTest, ::testing::Values("tmpfs", "ext4"));

TEST_F(CliRecordTest, EndsAfterItsTime) {
  device().Set("state", "start");
  ASSERT_EQ(Cli({"record", "-o", Place("a.raw"), "--seconds", "0.2"}).status, kDone);
  EXPECT_EQ(device().Get("state"), "streaming") << "as it was before";
}

TEST_F(CliRecordTest, LostFramesAreToldAndCountWhenAsked) {
  device().Set("rate", "0");
  device().Set("buffers_count", "2");
  const CommandResult result =
      Cli({"record", "-o", Place("a.raw"), "-n", "50", "--no-drop", "--json"});
  EXPECT_EQ(result.status, kDropped) << result.err;
  EXPECT_NE(result.err.find("frame"), std::string::npos);
  EXPECT_GT(Json(result.out).at("lost"), 0);
  EXPECT_EQ(Frames(ReadFile(Place("a.raw")), pages_).size(), 50U);
}

TEST_F(CliRecordTest, WhatCannotBeRecordedIsRefused) {
  EXPECT_EQ(Cli({"record", "-n", "1"}).status, kUsage);
  EXPECT_EQ(Cli({"record", "-o", "-", "-n", "1"}).status, kUsage);
  EXPECT_EQ(Cli({"record", "-o", Place("a.avi"), "-n", "1"}).status, kUsage);
  EXPECT_EQ(Cli({"record", "-o", "/nowhere/a.raw", "-n", "1"}).status, kFailed);
  EXPECT_EQ(Cli({"record", "none", "-o", Place("a.raw"), "-n", "1"}).status, kNoDevice);
}

TEST_F(CliRecordTest, AStreamWritesFramesToStandardOutput) {
  Process stream({CliPath(), "stream", "--mount", mount().path(), "--lossless", "-n", "5"});
  ASSERT_TRUE(WaitUntil([&] { return !device().Status().at("streams").empty(); })) << stream.err();
  device().Capture(5);
  EXPECT_EQ(stream.Wait(), kDone) << stream.err();
  const std::string out = stream.out();
  EXPECT_EQ(Frames(std::as_bytes(std::span(out)), pages_).size(), 5U);
}

// Who takes its output pauses for longer than the buffers last.
TEST_F(CliRecordTest, ALosslessStreamThatLosesSaysWhyAndFails) {
  const std::string cli = CliPath() + " ";
  const std::string at = " --mount " + mount().path() + " ";
  device().Set("state", "start");
  const CommandResult result = RunShell(
      "{ " + cli + "stream" + at + "--lossless -n 60; echo $? > " + Place("status") + "; } | { " +
      cli + "wait" + at + "-n 100 > " + Place("waited") + "; cat > " + Place("frames") + "; }");
  EXPECT_EQ(ReadText(Place("status")), std::to_string(kDropped) + "\n") << result.err;
  EXPECT_NE(result.err.find("dropped (no buffer was free while the output did not take them"),
            std::string::npos)
      << result.err;
  const std::string frames = ReadText(Place("frames"));
  EXPECT_EQ(Frames(std::as_bytes(std::span(frames)), pages_).size(), 60U);
}

TEST_F(CliRecordTest, AStreamOfY4mEndsWithItsLastFrame) {
  Process stream({CliPath(), "stream", "--mount", mount().path(), "--y4m", "-n", "3"});
  ASSERT_TRUE(WaitUntil([&] { return !device().Status().at("streams").empty(); })) << stream.err();
  device().Capture(5);
  EXPECT_EQ(stream.Wait(), kDone) << stream.err();
  const std::string header = "YUV4MPEG2 W128 H128 F200:1 Ip A1:1 Cmono\n";
  EXPECT_EQ(stream.out().size(), header.size() + 3 * (6 + pages_.bytes()));
}

TEST_F(CliRecordTest, AStreamThatGetsNothingSaysWhy) {
  Process stream({CliPath(), "stream", "--mount", mount().path(), "--no-drop", "--timeout", "1"});
  ASSERT_TRUE(WaitUntil([&] { return !device().Status().at("streams").empty(); })) << stream.err();
  EXPECT_EQ(stream.Wait(), kTimeout);
  EXPECT_NE(stream.err().find("the device is stopped"), std::string::npos) << stream.err();
}

TEST_F(CliRecordTest, AStreamThatEndsTooEarlyFails) {
  Process stream({CliPath(), "stream", "--mount", mount().path(), "-n", "1000"});
  ASSERT_TRUE(WaitUntil([&] { return !device().Status().at("streams").empty(); })) << stream.err();
  device().Set("state", "start");
  ASSERT_TRUE(WaitUntil([&] { return device().NextSequence() > 3; }));
  device().Stop();
  EXPECT_EQ(stream.Wait(), kFailed);
  EXPECT_NE(stream.err().find("of 1000 frames"), std::string::npos) << stream.err();
}

}  // namespace
}  // namespace grabfs::mount_test
