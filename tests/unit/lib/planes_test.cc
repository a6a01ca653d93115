// SPDX-License-Identifier: Apache-2.0
//
// The library says of each format what the daemon's table says.
#include <gtest/gtest.h>

#include "cli/lib/internal.h"
#include "fusefs/base/pixel_format.h"

namespace grabfs {
namespace {

class PlanesTest : public ::testing::TestWithParam<PixelFormat> {};

TEST_P(PlanesTest, LieWhereTheDaemonHasThem) {
  const PixelFormat& format = GetParam();
  for (const uint32_t width : {16U, 17U, 18U, 130U, 1920U, 1921U}) {
    for (const uint32_t height : {16U, 17U, 94U, 1081U}) {
      for (const uint32_t padding : {0U, 64U}) {
        const uint32_t stride = PackedFormat(format.fourcc, width, height).stride + padding;
        grabfs_plane planes[4];
        const uint32_t count = grabfsi_planes(format.fourcc, stride, height, planes);
        uint32_t expected = 0;
        for (const Plane& plane : PlanesOf(format, stride, height)) {
          if (plane.rows == 0) continue;
          EXPECT_EQ(planes[expected].offset, plane.offset);
          EXPECT_EQ(planes[expected].stride, plane.stride);
          EXPECT_EQ(planes[expected].rows, plane.rows);
          ++expected;
        }
        EXPECT_EQ(count, expected);
      }
    }
  }
}

TEST_P(PlanesTest, AreFoundByTheirNames) {
  EXPECT_EQ(grabfsi_parse_fourcc(std::string(GetParam().name).c_str()), GetParam().fourcc);
}

INSTANTIATE_TEST_SUITE_P(AllFormats, PlanesTest, ::testing::ValuesIn(PixelFormats()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(PlanesTest, AnUnknownFormatHasNone) {
  grabfs_plane planes[4];
  EXPECT_EQ(grabfsi_planes(MakeFourcc("MJPG"), 0, 1080, planes), 0U);
}

TEST(PlanesTest, NamesMayEndInTheirByteOrder) {
  EXPECT_EQ(grabfsi_parse_fourcc("Y16-BE"), ParseFourcc("Y16-BE"));
}

}  // namespace
}  // namespace grabfs
