// SPDX-License-Identifier: Apache-2.0
#include "cli/save/encoder.h"

#include <gtest/gtest.h>
#include <png.h>

#include <cstring>
#include <string>

#include "cli/base/exit_code.h"
#include "fusefs/picture/png.h"
#include "fusefs/picture/pnm.h"

namespace grabfs::cli {
namespace {

std::string Text(const Bytes& bytes) { return std::string(bytes.begin(), bytes.end()); }

TEST(Pnm, IsAHeaderAndTheSamples) {
  EXPECT_EQ(Text(EncodePnm({2, 1, 1, 8, {'a', 'b'}})), "P5\n2 1\n255\nab");
  EXPECT_EQ(Text(EncodePnm({1, 1, 3, 8, {'a', 'b', 'c'}})), "P6\n1 1\n255\nabc");
  EXPECT_EQ(Text(EncodePnm({1, 1, 1, 16, {'a', 'b'}})), "P5\n1 1\n65535\nab");
}

// Decodes with libpng's simplified API, which shares no code of ours.
Bytes Decode(const Bytes& file, uint32_t format) {
  png_image image;
  std::memset(&image, 0, sizeof(image));
  image.version = PNG_IMAGE_VERSION;
  EXPECT_TRUE(png_image_begin_read_from_memory(&image, file.data(), file.size())) << image.message;
  image.format = format;
  Bytes samples(PNG_IMAGE_SIZE(image));
  EXPECT_TRUE(png_image_finish_read(&image, nullptr, samples.data(), 0, nullptr)) << image.message;
  return samples;
}

Image Noise(uint32_t width, uint32_t height, uint32_t channels, uint32_t bits) {
  Image image = {width, height, channels, bits, {}};
  for (uint64_t i = 0; i < image.row_bytes() * height; ++i) {
    image.samples.push_back(static_cast<uint8_t>(i * i * 31 >> 3));
  }
  return image;
}

TEST(Png, ComesBackByteForByte) {
  const Image grey = Noise(33, 17, 1, 8);
  EXPECT_EQ(Decode(EncodePng(grey), PNG_FORMAT_GRAY), grey.samples);
  const Image rgb = Noise(640, 48, 3, 8);
  EXPECT_EQ(Decode(EncodePng(rgb), PNG_FORMAT_RGB), rgb.samples);
}

TEST(Png, SixteenBitGreyHasSixteenBitsInTheFile) {
  const Bytes file = EncodePng(Noise(20, 20, 1, 16));
  // IHDR: after signature (8), length (4) and type (4) come width, height, bit depth, colour type.
  EXPECT_EQ(file[24], 16);
  EXPECT_EQ(file[25], PNG_COLOR_TYPE_GRAY);
}

TEST(Png, WhatLibpngRefusesIsAnError) { EXPECT_THROW(EncodePng({0, 0, 1, 8, {}}), Error); }

TEST(FileForm, IsChosenByExtensionOrName) {
  EXPECT_EQ(ChooseFileForm("", "a.png"), FindPictureForm("png"));
  EXPECT_EQ(ChooseFileForm("", "dir.raw/shot-%06d.pgm"), FindPictureForm("pgm"));
  EXPECT_EQ(ChooseFileForm("ppm", "a.png"), FindPictureForm("ppm"));
  EXPECT_EQ(ChooseFileForm("", "-"), std::nullopt);
  EXPECT_EQ(ChooseFileForm("png", "-"), FindPictureForm("png"));
  for (const std::string_view name : FileFormNames()) {
    EXPECT_EQ(FileFormName(ChooseFileForm("", "a." + std::string(name))), name);
  }
  EXPECT_EQ(ChooseFileForm("", "a.JPEG"), FindPictureForm("jpg"));
  EXPECT_EQ(ChooseFileForm("tif", "a"), FindPictureForm("tiff"));
  EXPECT_EQ(ChooseFileForm("", "a.RAW"), std::nullopt);
  EXPECT_THROW(ChooseFileForm("", "a.gif"), UsageError);
  EXPECT_THROW(ChooseFileForm("", "picture"), UsageError);
  EXPECT_THROW(ChooseFileForm("gif", "a.png"), UsageError);
}

TEST(FileForm, RawIsTheFrameByteForByte) {
  const FrameFormat format = MakeFrameFormat(kNv12, 16, 16);
  const Bytes pixels(format.bytes, 5);
  EXPECT_EQ(Encode(std::nullopt, format, pixels), pixels);
}

TEST(FileForm, PgmAndPpmForceTheirKind) {
  const FrameFormat grey = MakeFrameFormat(kGrey, 16, 16);
  const FrameFormat colour = MakeFrameFormat(kBgr4, 16, 16);
  const auto magic = [](FileForm file, const FrameFormat& format) {
    return Text(Encode(file, format, Bytes(format.bytes, 9))).substr(0, 2);
  };
  EXPECT_EQ(magic(FindPictureForm("pgm"), colour), "P5");
  EXPECT_EQ(magic(FindPictureForm("ppm"), grey), "P6");
  EXPECT_EQ(magic(FindPictureForm("pnm"), grey), "P5");
  EXPECT_EQ(magic(FindPictureForm("pnm"), colour), "P6");
}

}  // namespace
}  // namespace grabfs::cli
