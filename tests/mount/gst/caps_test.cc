// SPDX-License-Identifier: Apache-2.0
//
// What grabfssrc negotiates: what the camera is set to, or what an idle camera can be set to.
#include <algorithm>
#include <tuple>
#include <utility>

#include "tests/mount/gst/source_fixture.h"

namespace grabfs::mount_test {
namespace {

using CapsTest = SourceTest;

// Format of the device, and what GStreamer calls it.
constexpr std::pair<const char*, const char*> kNames[] = {
    {"GREY", "video/x-raw, format=(string)GRAY8"},
    {"Y16", "video/x-raw, format=(string)GRAY16_LE"},
    {"YUYV", "video/x-raw, format=(string)YUY2"},
    {"RGB3", "video/x-raw, format=(string)RGB"},
    {"BGR3", "video/x-raw, format=(string)BGR"},
    {"BGR4", "video/x-raw, format=(string)BGRx"},
    {"XR24", "video/x-raw, format=(string)BGRx"},
    {"NV12", "video/x-raw, format=(string)NV12"},
    {"P010", "video/x-raw, format=(string)P010_10LE"},
    {"BA81", "video/x-bayer, format=(string)bggr"},
    {"GBRG", "video/x-bayer, format=(string)gbrg"},
    {"GRBG", "video/x-bayer, format=(string)grbg"},
    {"RGGB", "video/x-bayer, format=(string)rggb"},
    {"BG10", "video/x-bayer, format=(string)bggr10le"},
    {"RG12", "video/x-bayer, format=(string)rggb12le"},
};

TEST_F(CapsTest, EachFormatHasItsNameAndItsPixels) {
  for (const auto& [format, name] : kNames) {
    device().Set("format", format);
    const uint64_t sequence = device().Capture(1);
    Pipeline pipeline(Describe("start=false mode=newest"));
    pipeline.KeepBuffers();
    pipeline.Play();
    ASSERT_TRUE(pipeline.Await(1)) << format;
    EXPECT_EQ(pipeline.arrivals().front().caps,
              std::string(name) + ", width=(int)128, height=(int)96, framerate=(fraction)200/1");
    const BufferMap map(pipeline.kept(0));
    const auto file = ReadFile(device().Frame(sequence));
    EXPECT_TRUE(std::ranges::equal(map.bytes(), file)) << format;
    EXPECT_EQ(IsOfMount(pipeline.arrivals().front().address), HasRing()) << format;
  }
}

// Formats that the test picture does not come in.
class ClipTest : public CapsTest {
 protected:
  // A clip of one frame, behind its header, if it has one; `keys` of the source begin with a comma.
  void ExpectCapsAndPixels(const std::string& header, size_t bytes, const std::string& keys,
                           const std::string& name) {
    std::string clip = header;
    for (size_t i = 0; i < bytes; ++i) clip += static_cast<char>(i * 7 % 4);
    const std::string file = MakeScratchDirectory("clip") + (header.empty() ? "/c.raw" : "/c.y4m");
    CreateFile(file, std::as_bytes(std::span(clip)));
    Start({{"sim0=replay:" + file + keys + ",buffers=4"}, {}});
    const uint64_t sequence = device().Capture(1);
    Pipeline pipeline(Describe("start=false mode=newest"));
    pipeline.KeepBuffers();
    pipeline.Play();
    ASSERT_TRUE(pipeline.Await(1)) << name;
    EXPECT_NE(pipeline.arrivals().front().caps.find("format=(string)" + name + ","),
              std::string::npos)
        << pipeline.arrivals().front().caps;
    const BufferMap map(pipeline.kept(0));
    EXPECT_TRUE(std::ranges::equal(map.bytes(), ReadFile(device().Frame(sequence)))) << name;
    EXPECT_EQ(IsOfMount(map.bytes().data()), HasRing()) << name;
  }
};

// Planes that libgrabfs and GStreamer must have in the same places, or a GstVideoMeta tells.
TEST_F(ClipTest, PlanesHaveTheirNamesAndTheirPixels) {
  for (const auto& [sampling, name, bytes] :
       {std::tuple("420jpeg", "I420", size_t{128 * 96 * 3 / 2}),
        {"422", "Y42B", 128 * 96 * 2},
        {"444", "Y444", 128 * 96 * 3},
        {"420p10", "I420_10LE", 128 * 96 * 3}}) {
    ExpectCapsAndPixels("YUV4MPEG2 W128 H96 F25:1 C" + std::string(sampling) + "\nFRAME\n", bytes,
                        "", name);
  }
}

TEST_F(ClipTest, LumaAndChromaByTurnsHaveTheirNamesAndTheirPixels) {
  for (const std::string name : {"UYVY", "YVYU", "VYUY"}) {
    ExpectCapsAndPixels("", size_t{128} * 96 * 2, ",format=" + name + ",width=128,height=96", name);
  }
}

TEST_F(CapsTest, AFormatWithoutANameIsAnErrorThatSaysSo) {
  device().Set("format", "Y10");
  device().Set("state", "start");
  Pipeline pipeline(Describe(""));
  try {
    pipeline.Play();
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("Y10"), std::string::npos) << error.what();
  }
}

TEST_F(CapsTest, AFreeRateIsOneOfGStreamers) {
  for (const auto& [rate, fraction] :
       {std::pair("0", "0/1"), {"29.97", "2997/100"}, {"30000/1001", "30000/1001"}}) {
    device().Set("rate", rate);
    device().Capture(1);
    Pipeline pipeline(Describe("start=false mode=newest"));
    pipeline.Play();
    ASSERT_TRUE(pipeline.Await(1));
    EXPECT_TRUE(
        pipeline.arrivals().front().caps.ends_with("framerate=(fraction)" + std::string(fraction)))
        << pipeline.arrivals().front().caps;
  }
}

TEST_F(CapsTest, AnIdleCameraIsSetAsDownstreamWants) {
  Pipeline pipeline(
      Describe("",
               "video/x-raw,format=BGRx,width=320,height=240,framerate=50/1 ! fakesink "
               "name=sink"));
  pipeline.KeepBuffers();
  pipeline.Play();
  ASSERT_TRUE(pipeline.Await(1));
  EXPECT_TRUE(
      Picture("BGR4", 320, 240)
          .IsFrame(BufferMap(pipeline.kept(0)).bytes(), GST_BUFFER_OFFSET(pipeline.kept(0))));
  EXPECT_EQ(device().Get("format"), "BGR4");
  EXPECT_EQ(device().Get("width"), "320");
  EXPECT_EQ(device().Get("height"), "240");
  EXPECT_EQ(device().Get("rate"), "50");
}

TEST_F(CapsTest, WhatDownstreamLeavesOpenStays) {
  device().Set("format", "XR24");
  Pipeline pipeline(Describe("", "video/x-raw,format=BGRx,width=320 ! fakesink name=sink"));
  pipeline.Play();
  ASSERT_TRUE(pipeline.Await(1));
  EXPECT_EQ(device().Get("format"), "XR24") << "it has the same pixels";
  EXPECT_EQ(device().Get("height"), "96");
  EXPECT_EQ(device().Get("rate"), "200");
}

TEST_F(CapsTest, AConverterLeavesTheCameraAsItIs) {
  Pipeline pipeline(Describe("", "videoconvert name=sink ! video/x-raw,format=RGB ! fakesink"));
  pipeline.Play();
  ASSERT_TRUE(pipeline.Await(1));
  EXPECT_EQ(device().Get("format"), "GREY");
}

TEST_F(CapsTest, AStreamingCameraIsNotChangedUnderOthers) {
  device().Set("state", "start");
  Pipeline pipeline(Describe("", "video/x-raw,width=320 ! fakesink name=sink"));
  pipeline.Play();
  EXPECT_NE(pipeline.AwaitMessage(GST_MESSAGE_ERROR), "");
  EXPECT_EQ(device().Get("width"), "128");
  EXPECT_EQ(device().Get("state"), "streaming");
}

TEST_F(CapsTest, ASizeThatTheCameraHasNotIsRefusedInItsWords) {
  Pipeline pipeline(Describe("", "video/x-raw,width=321 ! fakesink name=sink"));
  pipeline.Play();
  const std::string words = pipeline.AwaitMessage(GST_MESSAGE_ERROR);
  EXPECT_NE(words.find("multiple of 2"), std::string::npos) << words;
}

// --- Changes

TEST_F(CapsTest, AChangeOfFormatIsOneOfTheStream) {
  Pipeline pipeline(Describe("start=false mode=lossless"));
  pipeline.KeepBuffers();
  pipeline.Play();
  device().Capture(1);
  ASSERT_TRUE(pipeline.Await(1));
  device().Set("format", "BGR4");
  device().Set("width", "320");
  const uint64_t sequence = device().Capture(1);
  ASSERT_TRUE(pipeline.Await(2));
  EXPECT_NE(pipeline.arrivals()[1].caps.find("BGRx, width=(int)320, height=(int)96"),
            std::string::npos)
      << pipeline.arrivals()[1].caps;
  EXPECT_TRUE(Picture("BGR4", 320, 96).IsFrame(BufferMap(pipeline.kept(1)).bytes(), sequence));
  EXPECT_EQ(IsOfMount(pipeline.arrivals()[1].address), HasRing());
}

TEST_F(CapsTest, AChangeThatDownstreamDoesNotTakeIsAnErrorThatSaysSo) {
  Pipeline pipeline(Describe("start=false", "video/x-raw,width=128 ! fakesink name=sink"));
  pipeline.Play();
  device().Capture(1);
  ASSERT_TRUE(pipeline.Await(1));
  device().Set("width", "320");
  device().Capture(1);
  const std::string words = pipeline.AwaitMessage(GST_MESSAGE_ERROR);
  EXPECT_NE(words.find("has changed its format to 320x96"), std::string::npos) << words;
}

TEST_F(CapsTest, TheLatencyIsAFrameAndNoMoreThanTheBuffersLast) {
  device().Set("rate", "100");
  Pipeline pipeline(Describe(""));
  pipeline.Play();
  ASSERT_TRUE(pipeline.Await(1));
  GstElement* const source = gst_bin_get_by_name(GST_BIN(pipeline.element()), "src");
  GstQuery* const query = gst_query_new_latency();
  ASSERT_TRUE(gst_element_query(source, query));
  gboolean live = FALSE;
  GstClockTime least = 0;
  GstClockTime most = 0;
  gst_query_parse_latency(query, &live, &least, &most);
  EXPECT_TRUE(live);
  EXPECT_EQ(least, GST_SECOND / 100);
  EXPECT_EQ(most, kCameraBuffers * GST_SECOND / 100);
  gst_query_unref(query);
  gst_object_unref(source);
}

}  // namespace
}  // namespace grabfs::mount_test
