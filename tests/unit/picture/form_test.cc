// SPDX-License-Identifier: Apache-2.0
//
// Pictures as files: as long as was said before, and read back by others as what they are.
#include "fusefs/picture/form.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <tiffio.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "fusefs/base/error.h"
#include "fusefs/picture/bmp.h"
#include "fusefs/picture/jpeg.h"
#include "fusefs/picture/npy.h"
#include "fusefs/picture/tiff.h"
#include "tests/unit/source/rig.h"

namespace grabfs {
namespace {

Bytes Noise(size_t size) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * i * 31 >> 3);
  return bytes;
}

Image NoiseImage(uint32_t width, uint32_t height, uint32_t channels, uint32_t bits) {
  Image image = {width, height, channels, bits, {}};
  image.samples = Noise(image.row_bytes() * height);
  return image;
}

// Decoded by libtiff, page by page, each from its file order into this machine's.
std::vector<Image> ReadTiff(const std::string& path) {
  std::vector<Image> pages;
  TIFF* const tiff = TIFFOpen(path.c_str(), "r");
  if (tiff == nullptr) return pages;
  do {
    uint16_t channels = 0;
    uint16_t bits = 0;
    Image page;
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &page.width);
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &page.height);
    TIFFGetField(tiff, TIFFTAG_SAMPLESPERPIXEL, &channels);
    TIFFGetField(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
    page.channels = channels;
    page.bits = bits;
    page.samples.resize(page.row_bytes() * page.height);
    for (uint32_t row = 0; row < page.height; ++row) {
      TIFFReadScanline(tiff, &page.samples[row * page.row_bytes()], row);
    }
    SwapBytes(page);  // ours have the more significant byte first
    pages.push_back(std::move(page));
  } while (TIFFReadDirectory(tiff) != 0);
  TIFFClose(tiff);
  return pages;
}

std::string Scratch(const std::string& name) { return ::testing::TempDir() + "/" + name; }

TEST(PictureForm, EveryFileIsAsLongAsWasSaid) {
  for (const PixelFormat& pixel : PixelFormats()) {
    for (const auto& [width, height] : {std::pair(16U, 16U), {130U, 94U}, {1024U, 768U}}) {
      const FrameFormat format = MakeFrameFormat(pixel.fourcc, width, height);
      for (const PictureForm form : PictureForms()) {
        if (form == FindPictureForm("jpg")) continue;  // of cameras that make it
        ASSERT_TRUE(CanShow(form, format, format.bytes)) << pixel.name;
        EXPECT_EQ(EncodePicture(form, format, Noise(format.bytes)).size(),
                  PictureBytes(form, format, format.bytes))
            << pixel.name << " " << width << "x" << height << " " << PictureFormName(form);
      }
    }
  }
}

TEST(PictureForm, AreFoundByName) {
  for (const PictureForm form : AllPictureForms()) {
    EXPECT_EQ(FindPictureForm(PictureFormName(form)), form);
  }
  EXPECT_EQ(FindPictureForm("gif"), std::nullopt);
  EXPECT_EQ(FindPictureForm(""), std::nullopt);
}

TEST(PictureForm, WhatIsUnknownOrNotWholeIsNotShown) {
  const FrameFormat grey = MakeFrameFormat(kGrey, 16, 16);
  for (const PictureForm form : PictureForms()) {
    EXPECT_FALSE(CanShow(form, {.fourcc = MakeFourcc("H264"), .width = 16, .height = 16}, 100));
    EXPECT_FALSE(CanShow(form, grey, grey.bytes - 1));
    EXPECT_FALSE(CanShow(form, {.fourcc = kMjpg, .width = 16, .height = 16}, 0));
  }
  EXPECT_FALSE(CanShow(*FindPictureForm("jpg"), grey, grey.bytes)) << "its size is not known";
}

TEST(PictureForm, TheUsualOneIsWhatTheFrameIsOrPnm) {
  EXPECT_EQ(UsualPictureForm(kJpeg), FindPictureForm("jpg"));
  EXPECT_EQ(UsualPictureForm(kGrey), FindPictureForm("pnm"));
  EXPECT_EQ(UsualPictureForm(MakeFourcc("H264")), std::nullopt);
}

// --- JPEG

// A picture whose neighbours differ little, so that JPEG keeps it.
Image Smooth(uint32_t width, uint32_t height, uint32_t channels) {
  Image image = {width, height, channels, 8, {}};
  for (uint32_t y = 0; y < height; ++y) {
    for (uint32_t x = 0; x < width; ++x) {
      const uint32_t colours[] = {2 * x, 2 * y, 255 - x - y};
      for (uint32_t i = 0; i < channels; ++i) {
        image.samples.push_back(static_cast<uint8_t>(colours[i]));
      }
    }
  }
  return image;
}

int WorstDifference(const Image& one, const Image& other) {
  int worst = 0;
  for (size_t i = 0; i < one.samples.size(); ++i) {
    worst = std::max(worst, std::abs(one.samples[i] - other.samples[i]));
  }
  return worst;
}

FrameFormat FormatOf(Fourcc fourcc, const Image& image) {
  return {.fourcc = fourcc, .width = image.width, .height = image.height, .bytes = 1 << 20};
}

TEST(Jpeg, ACamerasFrameIsItAsItIs) {
  const Bytes frame = EncodeJpeg(Smooth(100, 60, 3));
  const FrameFormat format = FormatOf(kMjpg, {100, 60, 3, 8, {}});
  const PictureForm form = *FindPictureForm("jpg");
  ASSERT_TRUE(CanShow(form, format, frame.size()));
  EXPECT_EQ(PictureBytes(form, format, frame.size()), frame.size());
  EXPECT_EQ(EncodePicture(form, format, frame), frame);
}

TEST(Jpeg, ACamerasFrameHasAllForms) {
  const Image image = Smooth(100, 60, 3);
  const Bytes frame = EncodeJpeg(image);
  for (const Fourcc fourcc : {kMjpg, kJpeg}) {
    const FrameFormat format = FormatOf(fourcc, image);
    EXPECT_LE(WorstDifference(Convert(format, frame), image), 8);
    for (const PictureForm form : AllPictureForms()) {
      const Bytes file = EncodePicture(form, format, frame);
      EXPECT_FALSE(file.empty()) << PictureFormName(form);
      if (!CanShow(form, format, frame.size())) continue;
      EXPECT_EQ(file.size(), PictureBytes(form, format, frame.size())) << PictureFormName(form);
    }
  }
  EXPECT_EQ(Convert(FormatOf(kMjpg, image), frame, Colours::kToGrey).channels, 1U);
}

TEST(Jpeg, OtherFramesAreSavedAsIt) {
  for (const uint32_t channels : {1U, 3U}) {
    const Image image = Smooth(101, 59, channels);
    const Bytes file = EncodeJpeg(image);
    EXPECT_LT(file.size(), image.bytes() / 3);
    Image again = {101, 59, channels, 8, {}};
    DecodeJpeg(file, again);
    EXPECT_LE(WorstDifference(again, image), 8) << channels;
  }
  Image wide = {32, 32, 1, 16, {}};
  for (uint32_t i = 0; i < 32 * 32; ++i) wide.samples.insert(wide.samples.end(), {200, 17});
  Image again = {32, 32, 1, 8, {}};
  DecodeJpeg(EncodeJpeg(wide), again);
  EXPECT_EQ(again.samples, Bytes(32 * 32, 200)) << "the upper 8 bits";
}

TEST(Jpeg, WhatIsCutShortIsShownAsFarAsItGoes) {
  const Image image = Smooth(100, 80, 3);
  Bytes frame = EncodeJpeg(image);
  frame.resize(frame.size() / 2);
  const Image shown = Convert(FormatOf(kMjpg, image), frame);
  Image first = image;
  first.samples.resize(100 * 3 * 16);
  EXPECT_LE(WorstDifference(first, shown), 8);
}

TEST(Jpeg, WhatIsNoneOrOfAnotherSizeIsAnError) {
  const Bytes frame = EncodeJpeg(Smooth(100, 60, 3));
  EXPECT_EQ(ErrorOf(EIO,
                    [&] {
                      Convert(FormatOf(kMjpg, {64, 60, 3, 8, {}}), frame);
                    }),
            "JPEG: the picture is 100x60, not 64x60");
  const std::string text = ErrorOf(EIO, [&] {
    Convert(FormatOf(kMjpg, {100, 60, 3, 8, {}}), Noise(1000));
  });
  EXPECT_TRUE(text.starts_with("JPEG: ")) << text;
}

TEST(Npy, HeadersSayTypeAndShapeAndAlignTheSamples) {
  const auto header = [](uint32_t channels, uint32_t bits) {
    return NpyHeader({640, 480, channels, bits, {}});
  };
  EXPECT_NE(header(1, 8).find("{'descr': '|u1', 'fortran_order': False, 'shape': (480, 640), }"),
            std::string::npos);
  EXPECT_NE(
      header(3, 16).find("{'descr': '<u2', 'fortran_order': False, 'shape': (480, 640, 3), }"),
      std::string::npos);
  for (uint32_t width = 16; width <= 16384; width *= 2) {
    const std::string text = NpyHeader({width, width, 3, 8, {}});
    EXPECT_EQ(text.size() % 64, 0U);
    EXPECT_EQ(text.back(), '\n');
    EXPECT_EQ(text.size() - 10,
              static_cast<uint8_t>(text[8]) + 256U * static_cast<uint8_t>(text[9]));
  }
}

TEST(Npy, SixteenBitsAreLittleEndian) {
  Image image = {1, 1, 1, 16, {0x12, 0x34}};
  const Bytes file = EncodeNpy(image);
  EXPECT_EQ(Bytes(file.end() - 2, file.end()), (Bytes{0x34, 0x12}));
}

uint32_t Number(const Bytes& file, size_t at) {
  return file[at] | file[at + 1] << 8U | file[at + 2] << 16U | uint32_t{file[at + 3]} << 24U;
}

TEST(Bmp, ColoursAreBlueGreenRedFromTheTopInRowsOfWholeWords) {
  const Bytes file = EncodeBmp({2, 2, 3, 8, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}});
  EXPECT_EQ(std::string(file.begin(), file.begin() + 2), "BM");
  EXPECT_EQ(Number(file, 2), file.size());
  EXPECT_EQ(Number(file, 10), 54U) << "where pixels begin";
  EXPECT_EQ(Number(file, 18), 2U);
  EXPECT_EQ(static_cast<int32_t>(Number(file, 22)), -2) << "the top row first";
  EXPECT_EQ(Number(file, 26), 1U | 24U << 16U);
  EXPECT_EQ(Bytes(file.begin() + 54, file.end()),
            (Bytes{3, 2, 1, 6, 5, 4, 0, 0, 9, 8, 7, 12, 11, 10, 0, 0}));
}

TEST(Bmp, GreysAreTheUpperBitsAndAPalette) {
  const Bytes file = EncodeBmp({2, 1, 1, 16, {0x12, 0x34, 0xfe, 0xdc}});
  EXPECT_EQ(Number(file, 10), 54U + 1024);
  EXPECT_EQ(Number(file, 54), 0U);
  EXPECT_EQ(Number(file, 54 + 4 * 0x7f), 0x7f7f7fU);
  EXPECT_EQ(Bytes(file.begin() + 1078, file.end()), (Bytes{0x12, 0xfe, 0, 0}));
}

TEST(Tiff, ComesBackSampleForSample) {
  for (const uint32_t channels : {1U, 3U}) {
    for (const uint32_t bits : {8U, 16U}) {
      const Image image = NoiseImage(34, 18, channels, bits);
      const Bytes file = EncodeTiff(image);
      const std::string path = Scratch("page.tiff");
      std::ofstream(path, std::ios::binary)
          .write(reinterpret_cast<const char*>(file.data()),
                 static_cast<std::streamsize>(file.size()));
      const auto pages = ReadTiff(path);
      ASSERT_EQ(pages.size(), 1U);
      EXPECT_EQ(pages[0].channels, channels);
      EXPECT_EQ(pages[0].bits, bits);
      EXPECT_EQ(pages[0].samples, image.samples) << channels << " channels of " << bits;
    }
  }
}

TEST(Tiff, AFileHasAnyNumberOfPages) {
  for (const bool big : {false, true}) {
    const std::string path = Scratch("pages.tiff");
    TiffFile file(path, big);
    for (uint32_t page = 0; page < 20; ++page) file.Add(NoiseImage(16 + 2 * page, 16, 1, 16));
    const auto pages = ReadTiff(path);
    ASSERT_EQ(pages.size(), 20U) << "without an end";
    EXPECT_EQ(file.bytes(), std::filesystem::file_size(path));
    for (uint32_t page = 0; page < 20; ++page) {
      EXPECT_EQ(pages[page].samples, NoiseImage(16 + 2 * page, 16, 1, 16).samples);
    }
  }
}

// A limit of the file's size stands for a full disk.
TEST(Tiff, APageForWhichThereIsNoRoomIsNotThere) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  for (const bool big : {false, true}) {
    const std::string path = Scratch("full.tiff");
    TiffFile file(path, big);
    file.Add(NoiseImage(100, 100, 1, 8));
    file.Add(NoiseImage(100, 101, 1, 8));
    const uint64_t bytes = file.bytes();
    const rlimit limit = {bytes + 5000, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    EXPECT_THROW(file.Add(NoiseImage(100, 102, 1, 8)), Error);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_EQ(std::filesystem::file_size(path), bytes);
    EXPECT_EQ(ReadTiff(path).size(), 2U);
  }
}

TEST(Tiff, AFileThatCannotBeWrittenIsAnErrorWithAReason) {
  try {
    TiffFile file("/nowhere/at.tiff", false);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("/nowhere/at.tiff"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace grabfs
