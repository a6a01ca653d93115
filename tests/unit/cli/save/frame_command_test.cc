// SPDX-License-Identifier: Apache-2.0
#include "cli/save/frame_command.h"

#include <gtest/gtest.h>

#include "fusefs/base/pixel_format.h"

namespace grabfs::cli {
namespace {

using Words = std::vector<std::string>;

constexpr uint32_t kMjpg = 0x47504a4d;
constexpr uint32_t kH264 = 0x34363248;

Words Expand(const Words& words, uint32_t fourcc = kGrey) {
  return FrameCommand(words).Expand(Device("/mnt", "cam0"), 42, fourcc);
}

TEST(FrameCommand, NamesTheFileOfTheFrame) {
  EXPECT_EQ(Expand({"convert", "{}", "out-%06d.png"}),
            (Words{"convert", "/mnt/cam0/frames.pnm/00000042.pnm", "out-000042.png"}));
  EXPECT_EQ(Expand({"cmp", "{raw}", "x{npy}y{npy}"}),
            (Words{"cmp", "/mnt/cam0/frames/00000042.raw",
                   "x/mnt/cam0/frames.npy/00000042.npyy/mnt/cam0/frames.npy/00000042.npy"}));
}

TEST(FrameCommand, ThePictureOfACameraThatMakesJpegIsThat) {
  EXPECT_EQ(Expand({"djpeg", "{}"}, kMjpg), (Words{"djpeg", "/mnt/cam0/frames.jpg/00000042.jpg"}));
}

TEST(FrameCommand, WhatIsNoPictureIsTheFrameItself) {
  EXPECT_EQ(Expand({"play", "{}"}, kH264), (Words{"play", "/mnt/cam0/frames/00000042.raw"}));
}

TEST(FrameCommand, TheFileIsTheLastWordIfNoneNamesIt) {
  EXPECT_EQ(Expand({"wc", "-c"}), (Words{"wc", "-c", "/mnt/cam0/frames.pnm/00000042.pnm"}));
  EXPECT_EQ(Expand({"echo", "%d"}), (Words{"echo", "42", "/mnt/cam0/frames.pnm/00000042.pnm"}));
}

TEST(FrameCommand, EverythingElseStaysAsItIs) {
  const Words words = {"awk",  "{print $1}", "{print}", "{{",   "}",
                       "100%", "%s",         "%%",      "%-3d", "{png}"};
  Words expected = words;
  expected.emplace_back("/mnt/cam0/frames.pnm/00000042.pnm");
  EXPECT_EQ(Expand(words), expected);
}

}  // namespace
}  // namespace grabfs::cli
