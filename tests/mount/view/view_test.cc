// SPDX-License-Identifier: Apache-2.0
//
// grabfs-view: what the window shows is the frame, pixel for pixel, on whichever way the pixels
// went there.
#include <algorithm>
#include <cmath>
#include <iomanip>
#include <numeric>
#include <sstream>
#include <vector>

#include "tests/mount/support/fixture.h"
#include "tests/mount/view/window_manager.h"
#include "tests/mount/view/x_client.h"

namespace grabfs::mount_test {
namespace {

constexpr uint32_t kWidth = 320;
constexpr uint32_t kHeight = 240;
constexpr uint32_t kEscape = 0xff1b;

class ViewTest : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    x_ = std::make_unique<XClient>();
    folder_ = MakeScratchDirectory("saved");
  }

  void StartDevice(const std::string& format, const std::string& more = "") {
    Start({{"sim0=pattern,width=320,height=240,rate=0,format=" + format + more}, {}});
  }

  // The program under test, without text over its picture.
  void StartViewer(const std::string& options = "") {
    StartViewerWithText(options);
    x_->Press('i');
  }

  // In a folder of its own.
  void StartViewerWithText(const std::string& options = "") {
    viewer_ = std::make_unique<Process>(std::vector<std::string>{
        "sh", "-c", "cd \"$1\" && DISPLAY=$2 exec \"$3\" --mount \"$4\" $5 sim0", "sh", folder_,
        x_->display(), ViewPath(), mount().path(), options});
    ASSERT_TRUE(WaitUntil([this] { return x_->FindWindow() || viewer_->Poll(); }));
    ASSERT_FALSE(viewer_->Poll()) << viewer_->err();
  }

  bool TitleComesToSay(const std::string& text) {
    return WaitUntil([&] { return x_->Title().find(text) != std::string::npos; });
  }

  bool ComesToShowText(const std::string& text) {
    return WaitUntil([&] { return x_->ShowsText(text); });
  }

  // The window as the bytes of a BGR4 frame: X leaves the fourth byte of a pixel open.
  [[nodiscard]] std::vector<std::byte> AsFrame() const {
    const auto shot = x_->Look();
    if (!shot || shot->width != kWidth || shot->height != kHeight) return {};
    std::vector<std::byte> pixels = shot->pixels;
    for (size_t i = 3; i < pixels.size(); i += 4) {
      const bool in_stamp = i / 4 % kWidth < 2;
      pixels[i] = std::byte{in_stamp ? uint8_t{0} : uint8_t{255}};
    }
    return pixels;
  }

  bool ComesToShow(uint64_t sequence) {
    return WaitUntil([&] {
      const auto pixels = AsFrame();
      return !pixels.empty() && picture_of_bgr4_.IsFrame(pixels, sequence);
    });
  }

  // Each pixel of the window is that of `picture`, made a square of 4 x 4, in the middle of black.
  bool ComesToFillTheScreenWith(const std::vector<std::byte>& picture) {
    constexpr size_t kScale = 4;
    return WaitUntil([&] {
      const auto shot = x_->Look();
      if (!shot || shot->width != kScale * kWidth || shot->height <= kScale * kHeight) return false;
      const size_t border = (shot->height - kScale * kHeight) / 2;
      for (size_t y = 0; y < shot->height; ++y) {
        const bool inside = y >= border && y < border + kScale * kHeight;
        for (size_t i = 0; i < size_t{shot->width} * 4; ++i) {
          const size_t from = ((y - border) / kScale * kWidth + i / 4 / kScale) * 4 + i % 4;
          const std::byte expected = inside ? picture[from] : std::byte{0};
          if (i % 4 != 3 && shot->pixels[y * shot->width * 4 + i] != expected) return false;
        }
      }
      return true;
    });
  }

  // The newest frame as grabfs-cli converts it to RGB.
  struct Saved {
    uint32_t bits = 0;
    std::vector<uint32_t> samples;
  };

  [[nodiscard]] Saved Save() const {
    const std::string file = folder_ + "/saved.ppm";
    EXPECT_EQ(RunCommand({CliPath(), "--mount", mount().path(), "save", "sim0", "-o", file}).status,
              0);
    const std::string ppm = ReadText(file);
    Saved saved = {ppm.find("\n65535\n") == std::string::npos ? 8U : 16U, {}};
    const size_t bytes = size_t{kWidth} * kHeight * 3 * saved.bits / 8;
    for (size_t i = ppm.size() - bytes; i < ppm.size(); ++i) {
      uint32_t sample = static_cast<uint8_t>(ppm[i]);
      if (saved.bits == 16) sample = sample << 8 | static_cast<uint8_t>(ppm[++i]);
      saved.samples.push_back(sample);
    }
    return saved;
  }

  // Each sample as `screen` maps it.
  template <typename Screen>
  bool ComesToShow(const Saved& saved, Screen screen) {
    return WaitUntil([&] {
      const auto shot = x_->Look();
      if (!shot || shot->width != kWidth || shot->height != kHeight) return false;
      for (size_t i = 0; i < saved.samples.size(); ++i) {
        const std::byte shown = shot->pixels[i / 3 * 4 + 2 - i % 3];
        if (std::to_integer<uint32_t>(shown) != screen(saved.samples[i])) return false;
      }
      return true;
    });
  }

  XClient& x() { return *x_; }
  Process& viewer() { return *viewer_; }
  const std::string& folder() const { return folder_; }
  const Picture picture_of_bgr4_{"BGR4", kWidth, kHeight};

 private:
  std::unique_ptr<XClient> x_;
  std::unique_ptr<Process> viewer_;
  std::string folder_;
};

TEST_F(ViewTest, TheWindowIsTheFrameAndNobodyCopiedIt) {
  StartDevice("BGR4");
  StartViewer();
  for (uint64_t sequence = 0; sequence < 12; ++sequence) {  // more than there are buffers
    device().Capture(1);
    ASSERT_TRUE(ComesToShow(sequence)) << x().Title();
  }
  EXPECT_TRUE(TitleComesToSay("frame 11, ")) << x().Title();
  EXPECT_TRUE(TitleComesToSay("MIT-SHM, no copy")) << x().Title();
}

TEST_F(ViewTest, SentThroughTheConnectionItIsTheSame) {
  StartDevice("BGR4");
  StartViewer("--send");
  device().Capture(3);
  EXPECT_TRUE(ComesToShow(2)) << x().Title();
  EXPECT_TRUE(TitleComesToSay("XPutImage")) << x().Title();
}

TEST_F(ViewTest, OtherFormatsAreShownAsTheyAreSaved) {
  for (const char* format : {"YUYV", "GREY", "NV12", "RGB3", "Y10", "P010", "RGGB", "BG12"}) {
    StartDevice(format);
    device().Capture(1);
    const Saved saved = Save();
    // Of samples of 16 bits the upper 8 are shown.
    const uint32_t surplus = saved.bits - 8;
    StartViewer();
    EXPECT_TRUE(ComesToShow(saved, [&](uint32_t sample) { return sample >> surplus; }))
        << format << ": " << x().Title();
    x().Press('q');
    EXPECT_EQ(viewer().Wait(), 0) << viewer().err();
  }
}

TEST_F(ViewTest, WindowAndLevelAreTakenFromThePictureOrTheMouse) {
  StartDevice("Y10");
  device().Capture(1);
  const Saved saved = Save();
  const auto upper = [](uint32_t sample) { return sample >> 8; };
  StartViewer();
  ASSERT_TRUE(ComesToShow(saved, upper));

  std::vector<uint32_t> sorted = saved.samples;
  std::ranges::sort(sorted);
  const size_t aside = sorted.size() / 200;
  const uint32_t low = sorted[aside];
  const uint32_t high = sorted[sorted.size() - 1 - aside];
  x().Press('a');
  EXPECT_TRUE(ComesToShow(saved, [&](uint32_t sample) {
    return (std::clamp(sample, low, high) - low) * 256 / (high - low + 1);
  }));

  x().Press('r');
  EXPECT_TRUE(ComesToShow(saved, upper));

  x().Drag(-256, -64);  // of 1,024 values half as many, and an eighth lower
  EXPECT_TRUE(TitleComesToSay("window 512, level 384")) << x().Title();
  EXPECT_TRUE(ComesToShow(saved, [](uint32_t sample) {
    return (std::clamp(sample, 8192U, 40959U) - 8192) * 256 / 32768;
  }));
}

TEST_F(ViewTest, EightBitsHaveNoWindowAndLevel) {
  StartDevice("GREY");
  device().Capture(1);
  StartViewer();
  ASSERT_TRUE(TitleComesToSay("converted"));
  x().Press('a');
  EXPECT_TRUE(TitleComesToSay("window and level are for samples of more than 8 bits"));
}

TEST_F(ViewTest, ZoomMakesSquaresOfPixels) {
  StartDevice("BGR4");
  device().Capture(1);
  StartViewer();
  ASSERT_TRUE(ComesToShow(0));
  const auto once = AsFrame();
  x().Press('+');
  ASSERT_TRUE(WaitUntil([&] {
    const auto shot = x().Look();
    if (!shot || shot->width != 2 * kWidth || shot->height != 2 * kHeight) return false;
    for (size_t y = 0; y < shot->height; ++y) {
      for (size_t i = 0; i < size_t{shot->width} * 4; ++i) {
        const size_t from = (y / 2 * kWidth + i / 8) * 4 + i % 4;
        if (i % 4 != 3 && shot->pixels[y * shot->width * 4 + i] != once[from]) return false;
      }
    }
    return true;
  }));
  x().Press('-');
  EXPECT_TRUE(ComesToShow(0));
}

TEST_F(ViewTest, PauseKeepsTheFrameAndStepTakesTheNext) {
  StartDevice("BGR4");
  device().Capture(1);
  StartViewer();
  ASSERT_TRUE(ComesToShow(0));
  x().Press(' ');
  ASSERT_TRUE(TitleComesToSay("paused"));
  device().Capture(3);
  x().Press('n');  // triggers frame 4
  EXPECT_TRUE(ComesToShow(4)) << x().Title();
  EXPECT_TRUE(TitleComesToSay("paused"));
  device().Capture(1);
  x().Press(' ');
  EXPECT_TRUE(ComesToShow(5));
}

TEST_F(ViewTest, WhatIsShownCanBeSavedHoweverOldItIs) {
  StartDevice("BGR4");
  device().Capture(1);
  StartViewer();
  ASSERT_TRUE(ComesToShow(0));
  x().Press(' ');
  ASSERT_TRUE(TitleComesToSay("paused"));
  device().Capture(30);  // all other buffers were used again
  x().Press('w');
  EXPECT_TRUE(TitleComesToSay("saved sim0-00000000.png")) << x().Title();
  EXPECT_TRUE(Exists(folder() + "/sim0-00000000.png"));
}

TEST_F(ViewTest, AnotherFormatIsAnotherPicture) {
  StartDevice("GREY");
  device().Capture(1);
  StartViewer();
  ASSERT_TRUE(TitleComesToSay("converted"));
  device().Set("format", "BGR4");
  device().Capture(1);
  EXPECT_TRUE(ComesToShow(1)) << x().Title();
}

TEST_F(ViewTest, AStoppedDeviceSaysSoAndAKeyStartsAndStopsIt) {
  StartDevice("BGR4");
  StartViewerWithText();
  EXPECT_TRUE(ComesToShowText("stopped: press s to start")) << x().Title();
  x().Press('s');
  EXPECT_TRUE(WaitUntil([&] { return device().Get("state") == "streaming"; }));
  EXPECT_TRUE(TitleComesToSay("MIT-SHM, no copy")) << x().Title();
  EXPECT_TRUE(WaitUntil([&] { return !x().ShowsText("stopped: press s to start"); }));
  x().Press('s');
  EXPECT_TRUE(WaitUntil([&] { return device().Get("state") == "stopped"; }));
  EXPECT_TRUE(ComesToShowText("stopped: press s to start")) << x().Title();
  x().Press('i');
  EXPECT_TRUE(ComesToShow(device().Frames().back()));
}

TEST_F(ViewTest, WhoMayNotSteerIsToldWhyAndGoesOn) {
  Start({{"sim0=pattern,width=640,height=48,rate=0,format=BGR4"}, {"ro"}});
  StartViewerWithText();
  x().Press('s');
  EXPECT_TRUE(ComesToShowText("sim0: state=start: Read-only file system")) << x().Title();
  x().Press('i');
  EXPECT_TRUE(TitleComesToSay("stopped: press s to start")) << x().Title();
  x().Press('q');
  EXPECT_EQ(viewer().Wait(), 0) << viewer().err();
}

TEST_F(ViewTest, WhereTheServerHasNoFontsTheTitleSaysIt) {
  StartDevice("BGR4");
  x().TakeFontsAway(folder());
  StartViewerWithText();
  EXPECT_TRUE(TitleComesToSay("stopped: press s to start")) << x().Title();
}

TEST_F(ViewTest, AKeyFillsTheScreenAndEscapeLeavesIt) {
  StartDevice("BGR4");
  device().Capture(1);
  const WindowManager manager(x().display());
  StartViewer();
  ASSERT_TRUE(ComesToShow(0));
  const auto picture = AsFrame();
  x().Press('f');
  ASSERT_TRUE(manager.Grant(true));
  EXPECT_TRUE(ComesToFillTheScreenWith(picture));
  x().Press(kEscape);
  ASSERT_TRUE(manager.Grant(false));
  EXPECT_TRUE(ComesToShow(0));
  x().Press(kEscape);
  EXPECT_EQ(viewer().Wait(), 0) << viewer().err();
}

TEST_F(ViewTest, FullScreenCanBeAskedForAtTheStart) {
  StartDevice("BGR4");
  device().Capture(1);
  const WindowManager manager(x().display());
  StartViewer("--fullscreen");
  ASSERT_TRUE(ComesToShow(0));
  const auto picture = AsFrame();
  ASSERT_TRUE(manager.WantsFullScreen(x().window()));
  manager.Fill(x().window());
  EXPECT_TRUE(ComesToFillTheScreenWith(picture));
}

TEST_F(ViewTest, WithoutAWindowManagerThereIsNoFullScreen) {
  StartDevice("BGR4");
  StartViewer();
  x().Press('f');
  EXPECT_TRUE(TitleComesToSay("there is no window manager that could fill the screen"))
      << x().Title();
}

TEST_F(ViewTest, ClippingIsMarkedAndTheWayBackHasNoCopy) {
  StartDevice("BGR4");
  device().Capture(1);
  const Saved saved = Save();
  StartViewer();
  ASSERT_TRUE(ComesToShow(0));
  Saved marked = saved;
  for (size_t i = 0; i < marked.samples.size(); i += 3) {
    uint32_t* rgb = &marked.samples[i];
    const uint32_t high = std::max({rgb[0], rgb[1], rgb[2]});
    if (high != 255 && high != 0) continue;
    rgb[0] = high;
    rgb[1] = 0;
    rgb[2] = 255 - high;
  }
  x().Press('c');
  EXPECT_TRUE(ComesToShow(marked, [](uint32_t sample) { return sample; }));
  EXPECT_TRUE(TitleComesToSay("converted, MIT-SHM")) << x().Title();
  x().Press('c');
  EXPECT_TRUE(ComesToShow(0));
  EXPECT_TRUE(TitleComesToSay("MIT-SHM, no copy")) << x().Title();
}

TEST_F(ViewTest, TheHistogramCountsEachValue) {
  StartDevice("BGR4");
  device().Capture(1);
  std::vector<double> counts(256);
  for (const uint32_t sample : Save().samples) ++counts[sample];
  const double most = *std::ranges::max_element(counts);
  StartViewer();
  ASSERT_TRUE(ComesToShow(0));
  x().Press('h');
  EXPECT_TRUE(WaitUntil([&] {
    const auto shot = x().Look();
    if (!shot || shot->width != kWidth || shot->height != kHeight) return false;
    for (size_t value = 0; value < counts.size(); ++value) {
      const auto column = static_cast<size_t>(std::lround(100 * std::sqrt(counts[value] / most)));
      for (size_t y = 0; y < 100; ++y) {
        const std::byte green = shot->pixels[((kHeight - 1 - y) * kWidth + value) * 4 + 1];
        if (green != std::byte{y < column ? uint8_t{255} : uint8_t{0}}) return false;
      }
    }
    return true;
  }));
  EXPECT_TRUE(TitleComesToSay("MIT-SHM, no copy")) << x().Title();
  x().Press('h');
  EXPECT_TRUE(ComesToShow(0));
}

TEST_F(ViewTest, TheFocusNumberIsTheVarianceOfTheLaplacianInTheMiddle) {
  StartDevice("GREY");
  device().Capture(1);
  const Saved saved = Save();
  const auto at = [&](size_t x, size_t y) -> double { return saved.samples[(y * kWidth + x) * 3]; };
  std::vector<double> edges;
  for (size_t y = 80; y < 160; ++y) {
    for (size_t x = 106; x < 214; ++x) {
      edges.push_back(at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4 * at(x, y));
    }
  }
  const auto count = static_cast<double>(edges.size());
  const double mean = std::accumulate(edges.begin(), edges.end(), 0.0) / count;
  double variance = 0;
  for (const double edge : edges) variance += (edge - mean) * (edge - mean) / count;
  ASSERT_GT(variance, 1);
  std::ostringstream text;
  text << "focus " << std::fixed << std::setprecision(1) << variance;
  StartViewer();
  x().Press('p');
  EXPECT_TRUE(TitleComesToSay(text.str())) << text.str() << ": " << x().Title();
}

TEST_F(ViewTest, TheDocumentHasItsHelp) {
  const CommandResult result = RunCommand({"cli/view/grabfs-view", "--help"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(ReadText("docs/view.md").find("```\n" + result.out + "```\n"), std::string::npos)
      << "docs/view.md quotes what grabfs-view --help prints";
}

TEST_F(ViewTest, WithoutAServerItSaysSo) {
  StartDevice("BGR4");
  const CommandResult result =
      RunShell("DISPLAY=:99999 cli/view/grabfs-view --mount " + mount().path());
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.err, "grabfs-view: cannot connect to the X server ':99999'\n");
}

}  // namespace
}  // namespace grabfs::mount_test
