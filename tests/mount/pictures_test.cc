// SPDX-License-Identifier: Apache-2.0
//
// The promise of pictures: every frame in forms that other programs open by themselves, with the
// right size before it has been read, and as untearable as the frame.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

constexpr const char* kForms[] = {"pnm", "tiff", "npy", "bmp"};

class PicturesTest : public MountTest {
 protected:
  // frames.pnm/00000042.pnm
  [[nodiscard]] std::string PicturePath(const std::string& form, uint64_t sequence) const {
    std::string name = device().Frame(sequence);
    name.replace(name.rfind("/frames/") + 7, 0, "." + form);
    return name.replace(name.rfind("raw"), 3, form);
  }
  static std::vector<std::byte> WithHeader(const std::string& header,
                                           const std::vector<std::byte>& pixels) {
    std::vector<std::byte> file(header.size());
    std::memcpy(file.data(), header.data(), header.size());
    file.insert(file.end(), pixels.begin(), pixels.end());
    return file;
  }
  // What Python prints; its stderr when it fails.
  static std::string Python(const std::string& script) {
    const CommandResult result = RunCommand({"python3", "-c", script});
    return result.status == 0 ? result.out : result.err;
  }
};

TEST_F(PicturesTest, AreAsManyAsTheFrames) {
  device().Capture(kBuffers + 2);
  const auto frames = List(device().Path("frames"));
  for (const std::string form : kForms) {
    std::vector<std::string> expected;
    for (std::string name : frames) expected.push_back(name.replace(name.rfind("raw"), 3, form));
    EXPECT_EQ(List(device().Path("frames." + form)), expected);
  }
}

TEST_F(PicturesTest, HaveTheSizeThatTheyAreReadWith) {
  for (const char* format : {"GREY", "Y10", "Y16", "YUYV", "RGB3", "BGR4", "NV12", "P010"}) {
    device().Set("format", format);
    const uint64_t sequence = device().Capture(1);
    for (const char* form : kForms) {
      const std::string path = PicturePath(form, sequence);
      const auto size = static_cast<size_t>(Stat(path).st_size);
      EXPECT_EQ(ReadFile(path).size(), size) << path << " of " << format;
      EXPECT_EQ(Stat(path).st_mtim.tv_nsec, Stat(device().Frame(sequence)).st_mtim.tv_nsec);
    }
  }
}

TEST_F(PicturesTest, PnmIsTheFrameUnderAHeader) {
  const uint64_t sequence = device().Capture(1);
  const auto expected = WithHeader("P5\n130 94\n255\n", ReadFile(device().Frame(sequence)));
  EXPECT_EQ(ReadFile(PicturePath("pnm", sequence)), expected);
  EXPECT_EQ(ReadFile(device().Path("latest.pnm")), expected);
}

TEST_F(PicturesTest, ColoursBecomeRgb) {
  device().Set("format", "BGR4");
  const uint64_t sequence = device().Capture(1);
  std::vector<std::byte> rgb;
  const auto frame = ReadFile(device().Frame(sequence));
  for (size_t i = 0; i < frame.size(); i += 4) {
    rgb.insert(rgb.end(), {frame[i + 2], frame[i + 1], frame[i]});
  }
  EXPECT_EQ(ReadFile(PicturePath("pnm", sequence)), WithHeader("P6\n130 94\n255\n", rgb));
}

TEST_F(PicturesTest, NumpyMapsWhatItLoads) {
  device().Set("format", "Y16");
  const uint64_t sequence = device().Capture(1);
  EXPECT_EQ(Python("import numpy as np\n"
                   "a = np.load('" +
                   PicturePath("npy", sequence) +
                   "', mmap_mode='r')\n"
                   "b = np.fromfile('" +
                   device().Frame(sequence) +
                   "', '<u2')\n"
                   "print(type(a).__name__, a.shape, a.dtype, (a.ravel() == b).all())"),
            "memmap (94, 130) uint16 True\n");
  device().Set("format", "RGB3");
  const uint64_t colours = device().Capture(1);
  EXPECT_EQ(Python("import numpy as np\n"
                   "a = np.load('" +
                   PicturePath("npy", colours) +
                   "', mmap_mode='r')\n"
                   "b = np.fromfile('" +
                   device().Frame(colours) +
                   "', 'u1')\n"
                   "print(a.shape, a.dtype, (a.ravel() == b).all())"),
            "(94, 130, 3) uint8 True\n");
}

// Decoded by ffmpeg, which shares no code of ours.
TEST_F(PicturesTest, FfmpegReadsEveryFormThatItKnows) {
  struct Case {
    const char* format;
    const char* pixels;
  };
  for (const Case& c : {Case{"GREY", "gray"}, Case{"Y16", "gray16le"}, Case{"RGB3", "rgb24"}}) {
    device().Set("format", c.format);
    const uint64_t sequence = device().Capture(1);
    const auto frame = ReadFile(device().Frame(sequence));
    for (const char* form : {"pnm", "tiff"}) {
      const CommandResult decoded =
          RunCommand({"ffmpeg", "-v", "error", "-nostdin", "-i", PicturePath(form, sequence), "-f",
                      "rawvideo", "-pix_fmt", c.pixels, "-"});
      EXPECT_EQ(decoded.status, 0) << decoded.err;
      EXPECT_TRUE(decoded.out.size() == frame.size() &&
                  std::memcmp(decoded.out.data(), frame.data(), frame.size()) == 0)
          << c.format << " as " << form;
    }
  }
}

TEST_F(PicturesTest, FfmpegReadsBitmaps) {
  for (const bool grey : {true, false}) {
    device().Set("format", grey ? "GREY" : "RGB3");
    const uint64_t sequence = device().Capture(1);
    std::string expected;
    for (const std::byte sample : ReadFile(device().Frame(sequence))) {
      expected.append(grey ? 3 : 1, std::to_integer<char>(sample));
    }
    const CommandResult decoded =
        RunCommand({"ffmpeg", "-v", "error", "-nostdin", "-i", PicturePath("bmp", sequence), "-f",
                    "rawvideo", "-pix_fmt", "rgb24", "-"});
    EXPECT_EQ(decoded.status, 0) << decoded.err;
    EXPECT_TRUE(decoded.out == expected) << (grey ? "grey" : "colours");
  }
}

TEST_F(PicturesTest, AreHeldWhileOpenAndWhileMapped) {
  for (const char* form : kForms) {
    const uint64_t sequence = device().Capture(1);
    const std::string path = PicturePath(form, sequence);
    const auto before = ReadFile(path);
    UniqueFd fd = Open(path, O_RDONLY);
    device().Capture(10 * kBuffers);
    EXPECT_TRUE(Exists(device().Frame(sequence))) << "held by " << path;
    EXPECT_EQ(ReadAll(fd.get()), before);
    Mapping mapping(fd.get(), before.size());
    fd.reset();
    device().Capture(10 * kBuffers);
    EXPECT_TRUE(Exists(device().Frame(sequence))) << "mapped from " << path;
    EXPECT_TRUE(std::ranges::equal(mapping.bytes(), before));
    mapping.Unmap();
    EXPECT_TRUE(device().IsRecycled(sequence));
    EXPECT_EQ(OpenError(path, O_RDONLY), ENOENT);
  }
}

TEST_F(PicturesTest, LatestIsTheNewestAlsoWhileCapturingFlatOut) {
  device().Capture(1);
  device().Set("state", "start");
  for (int i = 0; i < 200; i++) {
    const auto picture = ReadFile(device().Path("latest.pnm"));
    const std::vector<std::byte> pixels(picture.end() - static_cast<ptrdiff_t>(picture_.bytes()),
                                        picture.end());
    ASSERT_TRUE(picture_.IsFrame(pixels, Picture::Stamp(pixels)));
  }
  device().Stop();
}

TEST_F(PicturesTest, CannotBeWrittenOrRemoved) {
  const uint64_t sequence = device().Capture(1);
  for (const char* form : kForms) {
    const std::string path = PicturePath(form, sequence);
    EXPECT_EQ(Stat(path).st_mode & 0777, 0444U);
    EXPECT_EQ(OpenError(path, O_RDWR), EACCES);
    EXPECT_EQ(ErrorOf(::unlink(path.c_str())), EPERM);
    EXPECT_EQ(Xattr(path, "sequence"), std::to_string(sequence));
  }
}

TEST_F(PicturesTest, OnlyNamesOfFramesAreThere) {
  const uint64_t sequence = device().Capture(1);
  const std::string path = PicturePath("pnm", sequence);
  const std::string directory = path.substr(0, path.rfind('/') + 1);
  for (const char* name : {"00000000.raw", "00000000.tiff", "0.pnm", "99999999.pnm", "x"}) {
    EXPECT_FALSE(Exists(directory + name)) << name;
  }
}

}  // namespace
}  // namespace grabfs::mount_test
