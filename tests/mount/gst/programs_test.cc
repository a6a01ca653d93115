// SPDX-License-Identifier: Apache-2.0
//
// The pipelines of docs/gstreamer.md, run as they stand there: what is recorded, sent and received
// are the camera's pictures.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "kmod/test_picture.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

constexpr uint32_t kFilmWidth = 160;
constexpr uint32_t kFilmHeight = 128;
constexpr size_t kLumaBytes = size_t{kFilmWidth} * kFilmHeight;
constexpr size_t kFilmBytes = kLumaBytes * 3 / 2;
constexpr size_t kEnough = 20;
// Frames so far from each other differ in their numbers only.
constexpr uint64_t kPhases = TEST_PICTURE_PHASES;

std::string Replace(std::string text, const std::string& what, const std::string& by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// All lines of the document that a user types.
std::vector<std::string> Documented() {
  std::vector<std::string> lines;
  std::ifstream document("docs/gstreamer.md");
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with("    gst-launch-1.0")) lines.push_back(line.substr(4));
  }
  return lines;
}

std::string DocumentedWith(const std::string& part) {
  const auto lines = Documented();
  const auto line = std::ranges::find_if(
      lines, [&](const std::string& text) { return text.find(part) != std::string::npos; });
  if (line == lines.end())
    throw std::runtime_error("docs/gstreamer.md has no pipeline with " + part);
  return *line;
}

class ProgramsTest : public EnvironmentTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (IsSkipped()) return;
    mount_.emplace(
        MountSpec{{"cam0=pattern,format=NV12,width=160,height=128,rate=25,buffers=16"}, {}});
    place_ = MakeScratchDirectory("film");
    ::setenv("GST_REGISTRY", (MakeScratchDirectory("gst") + "/registry").c_str(), 0);
    const std::string plugins = std::filesystem::path(GstPluginPath()).parent_path();
    ::setenv("GST_PLUGIN_PATH", plugins.c_str(), 1);
    ::setenv("GRABFS_MOUNT", mount_->path().c_str(), 1);
  }

  [[nodiscard]] Device camera() const { return mount_->GetDevice("cam0"); }
  void EndMount() {
    mount_->daemon().Signal(SIGTERM);
    EXPECT_EQ(mount_->daemon().Wait(), 0);
    mount_->Abandon();
  }
  [[nodiscard]] std::string Place(const std::string& name) const { return place_ + "/" + name; }
  // Other tests may run at this moment.
  static std::string Port(int number) {
    return std::to_string(20000 + ::getpid() % 20000 + number);
  }

  // Starts a pipeline of the document in a folder of its own.
  [[nodiscard]] std::unique_ptr<Process> Launch(const std::string& line) const {
    std::string here = Replace(line, "5004", Port(0));
    here = Replace(here, "7001", Port(1));
    here = Replace(here, "autovideosink",
                   "video/x-raw,format=I420 ! filesink buffer-mode=unbuffered location=seen.yuv");
    return std::make_unique<Process>(
        std::vector<std::string>{"sh", "-c", "cd " + place_ + " && exec " + here});
  }

  static void AwaitPort(const std::string& port) {
    std::ostringstream entry;
    entry << ":" << std::uppercase << std::hex << std::stoi(port) << " ";
    EXPECT_TRUE(WaitUntil([&] {
      return (ReadText("/proc/net/udp") + ReadText("/proc/net/udp6")).find(entry.str()) !=
             std::string::npos;
    }));
  }

  // By the sizes of the files, which grow.
  void AwaitSeen(Process& sender, Process& receiver) const {
    EXPECT_TRUE(WaitUntil([&] {
      if (sender.Poll() || receiver.Poll()) return true;
      const std::string seen = Place("seen.yuv");
      return Exists(seen) && Stat(seen).st_size >= static_cast<off_t>(kEnough * kFilmBytes);
    })) << sender.err()
        << receiver.err();
    EXPECT_FALSE(sender.Poll()) << sender.err();
    EXPECT_FALSE(receiver.Poll()) << receiver.err();
  }

  // I420 pictures of a film that ffmpeg reads.
  [[nodiscard]] std::vector<std::byte> Decode(const std::string& film) const {
    const auto ffmpeg =
        RunCommand({"ffmpeg", "-v", "error", "-nostdin", "-i", film, "-vsync", "passthrough", "-f",
                    "rawvideo", "-pix_fmt", "yuv420p", "-y", Place("seen.yuv")});
    EXPECT_EQ(ffmpeg.status, 0) << ffmpeg.err;
    return ReadFile(Place("seen.yuv"));
  }

  // Compression changes pixels a little: each picture is nearest to a frame of the camera, and
  // near.
  void ExpectFilm(std::span<const std::byte> film) const {
    const size_t pictures = film.size() / kFilmBytes;
    ASSERT_GE(pictures, kEnough);
    uint64_t before = kPhases;
    for (size_t i = 0; i < pictures; ++i) {
      const auto [frame, distance] = Nearest(film.subspan(i * kFilmBytes, kLumaBytes));
      EXPECT_LT(distance, 12) << "picture " << i;
      EXPECT_NE(frame, before) << "picture " << i << " is another one than that before";
      before = frame;
    }
  }

 private:
  struct Match {
    uint64_t frame = 0;
    double distance = std::numeric_limits<double>::max();  // mean of all pixels
  };

  static Match Nearest(std::span<const std::byte> luma) {
    Match nearest;
    for (uint64_t frame = 0; frame < kPhases; ++frame) {
      const double distance = Distance(luma, PaintedLuma(frame));
      if (distance < nearest.distance) nearest = {frame, distance};
    }
    return nearest;
  }

  static const std::vector<uint8_t>& PaintedLuma(uint64_t frame) {
    static std::vector<std::vector<uint8_t>> painted(kPhases);
    if (painted[frame].empty()) {
      test_picture geometry;
      test_picture_init(&geometry, TEST_PICTURE_NV12, kFilmWidth, kFilmHeight);
      std::vector<uint8_t> table(test_picture_table_bytes(&geometry));
      test_picture_table_init(&geometry, table.data());
      painted[frame].resize(kLumaBytes);
      test_picture_paint(&geometry, table.data(), frame, 0, kLumaBytes, painted[frame].data());
    }
    return painted[frame];
  }

  static double Distance(std::span<const std::byte> luma, const std::vector<uint8_t>& painted) {
    uint64_t sum = 0;
    for (size_t i = 0; i < kLumaBytes; ++i) {
      sum += static_cast<uint64_t>(std::abs(std::to_integer<int>(luma[i]) - int{painted[i]}));
    }
    return static_cast<double>(sum) / kLumaBytes;
  }

  std::optional<Mount> mount_;
  std::string place_;
};

TEST_F(ProgramsTest, RecordsAFilm) {
  const auto gst = Launch(DocumentedWith("mp4mux"));
  EXPECT_TRUE(WaitUntil([&] { return gst->Poll() || camera().NextSequence() >= 2 * kEnough; }));
  gst->Signal(SIGINT);
  EXPECT_EQ(gst->Wait(), 0) << gst->err();
  ExpectFilm(Decode(Place("out.mp4")));
}

// Nobody tells the pipeline but the device that has gone.
TEST_F(ProgramsTest, ARecordingIsClosedWhenTheMountEnds) {
  const auto gst = Launch(DocumentedWith("mp4mux"));
  EXPECT_TRUE(WaitUntil([&] { return gst->Poll() || camera().NextSequence() >= 2 * kEnough; }));
  EndMount();
  EXPECT_EQ(gst->Wait(), 0) << gst->err();
  ExpectFilm(Decode(Place("out.mp4")));
}

TEST_F(ProgramsTest, SendsByRtp) {
  const auto receiver = Launch(DocumentedWith("udpsrc"));
  AwaitPort(Port(0));
  const auto sender = Launch(DocumentedWith("udpsink"));
  AwaitSeen(*sender, *receiver);
  ExpectFilm(ReadFile(Place("seen.yuv")));
}

TEST_F(ProgramsTest, SendsBySrt) {
  const auto sender = Launch(DocumentedWith("srtsink"));
  AwaitPort(Port(1));
  const auto receiver = Launch(DocumentedWith("srtsrc"));
  AwaitSeen(*sender, *receiver);
  ExpectFilm(ReadFile(Place("seen.yuv")));
}

TEST_F(ProgramsTest, FeedsBrowsers) {
  const auto gst = Launch(DocumentedWith("hlssink2"));
  EXPECT_TRUE(WaitUntil([&] {
    return gst->Poll() ||
           (Exists(Place("cam0.m3u8")) &&
            ReadText(Place("cam0.m3u8")).find("segment00001.ts") != std::string::npos);
  })) << gst->err();
  gst->Signal(SIGINT);
  static_cast<void>(gst->Wait());
  ExpectFilm(Decode(Place("cam0.m3u8")));
}

TEST_F(ProgramsTest, ShowsWhatItSees) {
  size_t shown = 0;
  for (const std::string& line : Documented()) {
    if (line.find("grabfssrc") == std::string::npos || !line.ends_with("autovideosink")) continue;
    std::filesystem::remove(Place("seen.yuv"));
    const auto gst = Launch(Replace(line, "device=cam0", "device=cam0 num-buffers=3"));
    EXPECT_EQ(gst->Wait(), 0) << gst->err();
    EXPECT_GT(Stat(Place("seen.yuv")).st_size, 0) << line;
    ++shown;
  }
  EXPECT_GE(shown, 2U);
}

}  // namespace
}  // namespace grabfs::mount_test
