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
#include "fusefs/picture/npy.h"
#include "fusefs/picture/tiff.h"

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
      ASSERT_TRUE(CanShow(format)) << pixel.name;
      for (const PictureForm form : PictureForms()) {
        EXPECT_EQ(EncodePicture(form, format, Noise(format.bytes)).size(),
                  PictureBytes(form, format))
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

TEST(PictureForm, WhatIsUnknownCannotBeShown) {
  EXPECT_FALSE(CanShow({.fourcc = MakeFourcc("MJPG"), .width = 16, .height = 16}));
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
