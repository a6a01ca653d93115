// SPDX-License-Identifier: Apache-2.0
//
// What grabfssrc makes of cameras' formats that the test picture does not come in: caps and bytes.
// It runs on files of the build machine (in_host_files.sh), which has GStreamer.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/mount/gst/pipeline.h"
#include "tests/vm/guest/uvc_fixture.h"

namespace grabfs::vm {
namespace {

using mount_test::BufferMap;
using mount_test::Pipeline;

// Of a camera that captures when the test says so.
class GstCamerasTest : public UvcTest {
 protected:
  [[nodiscard]] std::string Source() const {
    return "grabfssrc start=false mode=lossless device=" + mount_->Path("cam0") +
           " ! fakesink name=sink";
  }
  // An emulated camera loses one now and then.
  void Capture(Pipeline& pipeline, size_t frames) const {
    pipeline.KeepBuffers();
    pipeline.Play();
    for (int attempt = 0; attempt < 8 && pipeline.arrivals().size() < frames; ++attempt) {
      device().Capture(1);
      AwaitArrivals(pipeline);
    }
    ASSERT_GE(pipeline.arrivals().size(), frames);
  }

 private:
  void AwaitArrivals(const Pipeline& pipeline) const {
    const uint64_t whole = Counter("captured") - Counter("failed") - Counter("dropped");
    ASSERT_TRUE(pipeline.Await(whole));
  }
};

// --- Samples: vivid, whose picture stands still, so that read(2) tells what each byte must be

class SamplesTest : public GstCamerasTest,
                    public testing::WithParamInterface<std::pair<const char*, const char*>> {};

TEST_P(SamplesTest, HaveTheirNameAndTheirBytes) {
  const auto [format, name] = GetParam();
  MountCamera("/dev/video0",
              std::string(",osd_text_mode=None,width=320,height=180,rate=5,format=") + format);
  const std::string reference = mount_test::MakeScratchDirectory("gst") + "/reference";
  const auto dd = mount_test::RunCommand({"dd", "status=none", "if=/dev/video0", "of=" + reference,
                                          "bs=" + device().Get("bytes"), "count=1"});
  ASSERT_EQ(dd.status, 0) << dd.err;
  Pipeline pipeline(Source());
  Capture(pipeline, 1);
  EXPECT_TRUE(pipeline.arrivals().front().caps.starts_with(std::string(name) + ", width=(int)320"))
      << pipeline.arrivals().front().caps;
  EXPECT_TRUE(
      std::ranges::equal(BufferMap(pipeline.kept(0)).bytes(), mount_test::ReadFile(reference)));
}

constexpr std::pair<const char*, const char*> kSamples[] = {
    {"UYVY", "video/x-raw, format=(string)UYVY"}, {"YVYU", "video/x-raw, format=(string)YVYU"},
    {"VYUY", "video/x-raw, format=(string)VYUY"}, {"NV12", "video/x-raw, format=(string)NV12"},
    {"YU12", "video/x-raw, format=(string)I420"}, {"RGGB", "video/x-bayer, format=(string)rggb"},
};
INSTANTIATE_TEST_SUITE_P(All, SamplesTest, testing::ValuesIn(kSamples),
                         [](const auto& format) { return std::string(format.param.first); });

// --- Compressed pictures: a USB camera

class CompressedTest : public GstCamerasTest,
                       public testing::WithParamInterface<std::pair<const char*, const char*>> {};

TEST_P(CompressedTest, HaveTheirNameAndAreAsLongAsThePicture) {
  const auto [format, name] = GetParam();
  Start(std::string(",width=320,rate=5,format=") + format);
  const UvcPictures pictures = PicturesOf(*camera_, device());
  Pipeline pipeline(Source());
  Capture(pipeline, 3);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(pictures.Recognize(BufferMap(pipeline.kept(i)).bytes()).has_value()) << i;
    EXPECT_TRUE(pipeline.arrivals()[i].caps.starts_with(std::string(name) + ", width=(int)320"))
        << pipeline.arrivals()[i].caps;
  }
}

constexpr std::pair<const char*, const char*> kCompressed[] = {
    {"MJPG", "image/jpeg"},
    {"H264", "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au"},
};
INSTANTIATE_TEST_SUITE_P(All, CompressedTest, testing::ValuesIn(kCompressed),
                         [](const auto& format) { return std::string(format.param.first); });

}  // namespace
}  // namespace grabfs::vm
