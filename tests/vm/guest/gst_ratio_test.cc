// SPDX-License-Identifier: Apache-2.0
//
// What a frame costs in a pipeline of GStreamer on two roads, in one run: `vivid` by v4l2src, and
// the same `vivid` in a mount, by grabfssrc. Time is that of the whole machine: driver, daemon and
// pipelines. What is behind the source looks at no pixel, so that all of the difference counts.
//
// V4L2 has one reader; each of four pipelines on a mount is compared with that one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "tests/mount/gst/pipeline.h"
#include "tests/mount/support/file.h"
#include "tests/vm/guest/cameras.h"

namespace grabfs::vm {
namespace {

using mount_test::Pipeline;

constexpr size_t kWarmUp = 5;
constexpr size_t kFrames = 15;
constexpr int kRounds = 5;

const std::string kSink =
    " ! video/x-raw,format=BGRx,width=1280,height=720,framerate=5/1 ! fakesink name=sink";
const std::string kV4l2 = "v4l2src device=/dev/video0" + kSink;
const std::string kGrabfs =
    "grabfssrc mode=lossless start=false device=" + std::string(std::getenv("VM_MOUNT")) + kSink;

void Await(const std::vector<std::unique_ptr<Pipeline>>& pipelines, size_t frames) {
  for (const auto& pipeline : pipelines) ASSERT_TRUE(pipeline->Await(frames));
}

// Microseconds of machine time for each of a pipeline's frames, of so many pipelines.
double Measure(const std::string& description, size_t count) {
  std::vector<std::unique_ptr<Pipeline>> pipelines;
  for (size_t i = 0; i < count; ++i) {
    pipelines.push_back(std::make_unique<Pipeline>(description));
    pipelines.back()->Play();
  }
  Await(pipelines, kWarmUp);
  const size_t begin = pipelines.back()->arrivals().size();
  const uint64_t before = MachineTime();
  Await(pipelines, begin + kFrames);
  return static_cast<double>(MachineTime() - before) / 1000 / kFrames / static_cast<double>(count);
}

void WriteState(const char* state) {
  mount_test::WriteText(std::string(std::getenv("VM_MOUNT")) + "/state", state);
}

double MeasureGrabfs(size_t count) {
  WriteState("start");
  const double cost = Measure(kGrabfs, count);
  WriteState("stop");
  return cost;
}

// The median of grabfs / V4L2, measured in turns.
double Ratio(size_t count) {
  std::vector<double> ratios;
  for (int round = 0; round < kRounds; ++round) {
    const double theirs = Measure(kV4l2, 1);
    const double ours = MeasureGrabfs(count);
    ratios.push_back(ours / theirs);
    std::printf("%zu pipelines: v4l2src %.0f us, grabfssrc %.0f us, ratio %.3f\n", count, theirs,
                ours, ratios.back());
  }
  std::ranges::nth_element(ratios, ratios.begin() + kRounds / 2);
  std::printf("machine time of a frame, %zu pipelines, grabfssrc / v4l2src: %.3f (median of %d)\n",
              count, ratios[kRounds / 2], kRounds);
  return ratios[kRounds / 2];
}

TEST(GstRatioTest, AFrameCostsNoMoreThanByV4l2src) { EXPECT_LE(Ratio(1), 1.0); }

TEST(GstRatioTest, AFrameOfFourPipelinesCostsHalf) { EXPECT_LE(Ratio(4), 0.5); }

}  // namespace
}  // namespace grabfs::vm
