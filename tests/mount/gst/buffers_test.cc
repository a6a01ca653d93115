// SPDX-License-Identifier: Apache-2.0
//
// Buffers of grabfssrc: whose memory they are, how long a frame is held, their times, and what is
// told of frames that did not come.
#include <set>

#include "tests/mount/gst/source_fixture.h"

namespace grabfs::mount_test {
namespace {

class BuffersTest : public SourceTest {
 protected:
  // Is the buffer the frame that it says it is?
  [[nodiscard]] ::testing::AssertionResult IsFrame(GstBuffer* buffer) const {
    return camera_picture_.IsFrame(BufferMap(buffer).bytes(), GST_BUFFER_OFFSET(buffer));
  }
};

// --- Memory

TEST_F(BuffersTest, ABufferIsTheFramesOwnMemory) {
  Pipeline pipeline(Describe("num-buffers=60"));
  pipeline.KeepBuffers();
  pipeline.Play();
  ASSERT_TRUE(pipeline.Await(1));
  EXPECT_EQ(IsOfMount(pipeline.arrivals().front().address), HasRing());
  EXPECT_TRUE(IsFrame(pipeline.kept(0)));
}

TEST_F(BuffersTest, NoFrameIsCopied) {
  Pipeline pipeline(Describe("num-buffers=60"));
  pipeline.Play();
  ASSERT_TRUE(pipeline.Await(60));
  std::set<const std::byte*> addresses;
  for (const Arrival& arrival : pipeline.arrivals()) addresses.insert(arrival.address);
  if (!HasRing()) return;
  EXPECT_LE(addresses.size(), kCameraBuffers) << "they are the camera's buffers";
  for (const std::byte* const address : addresses) EXPECT_TRUE(IsOfMount(address));
}

TEST_F(BuffersTest, AllBranchesOfATeeHaveTheSameMemory) {
  Pipeline pipeline(
      Describe("num-buffers=10 start=false mode=lossless",
               "tee name=t t. ! queue ! fakesink name=sink t. ! queue ! fakesink name=other"));
  std::set<const void*> others;
  GstElement* const other = gst_bin_get_by_name(GST_BIN(pipeline.element()), "other");
  g_object_set(other, "signal-handoffs", TRUE, nullptr);
  g_signal_connect(other, "handoff",
                   G_CALLBACK(+[](GstElement*, GstBuffer* buffer, GstPad*, gpointer set) {
                     const BufferMap map(buffer);
                     static_cast<std::set<const void*>*>(set)->insert(map.bytes().data());
                   }),
                   &others);
  gst_object_unref(other);
  pipeline.Play();
  for (size_t frame = 1; frame <= 10; ++frame) {
    device().Capture(1);
    ASSERT_TRUE(pipeline.Await(frame));
  }
  pipeline.AwaitMessage(GST_MESSAGE_EOS);
  std::set<const void*> addresses;
  for (const Arrival& arrival : pipeline.arrivals()) addresses.insert(arrival.address);
  EXPECT_EQ(addresses, others);
}

TEST_F(BuffersTest, NobodyWritesIntoAFrame) {
  Pipeline pipeline(Describe("num-buffers=1"));
  pipeline.KeepBuffers();
  pipeline.Play();
  ASSERT_TRUE(pipeline.Await(1));
  EXPECT_EQ(bool{GST_MEMORY_IS_READONLY(gst_buffer_peek_memory(pipeline.kept(0), 0))}, HasRing());
  pipeline.AwaitMessage(GST_MESSAGE_EOS);
  pipeline.Stop();
  // Who wants to write gets a copy.
  const Buffer writable(gst_buffer_make_writable(gst_buffer_ref(pipeline.kept(0))));
  GstMapInfo info;
  ASSERT_TRUE(gst_buffer_map(writable.get(), &info, GST_MAP_WRITE));
  EXPECT_FALSE(IsOfMount(info.data));
  gst_buffer_unmap(writable.get(), &info);
}

// --- Holding

TEST_F(BuffersTest, AFrameIsHeldAsLongAsItsBuffer) {
  Pipeline pipeline(Describe("start=false num-buffers=1"));
  pipeline.KeepBuffers();
  pipeline.Play();
  const uint64_t sequence = device().Capture(1);
  ASSERT_TRUE(pipeline.Await(1));
  pipeline.Stop();
  device().Capture(3 * kCameraBuffers);
  EXPECT_EQ(Exists(device().Frame(sequence)), HasRing()) << "though the pipeline has ended";
  EXPECT_TRUE(IsFrame(pipeline.kept(0)));
  pipeline.DropKept();
  EXPECT_TRUE(device().IsRecycled(sequence));
}

TEST_F(BuffersTest, WhatIsKeptBeyondTheHoldLimitIsCopied) {
  constexpr size_t kMany = 40;
  Pipeline pipeline(Describe("mode=lossless num-buffers=40"));
  pipeline.KeepBuffers();
  pipeline.Play();
  ASSERT_TRUE(pipeline.Await(kMany)) << "it neither fails nor waits";
  if (HasRing()) {
    EXPECT_NE(pipeline.AwaitMessage(GST_MESSAGE_INFO).find("buffers_count"), std::string::npos);
  }
  size_t copies = 0;
  for (size_t i = 0; i < kMany; ++i) {
    EXPECT_TRUE(IsFrame(pipeline.kept(i)));
    if (!IsOfMount(pipeline.arrivals()[i].address)) ++copies;
  }
  EXPECT_GE(copies, kMany - kCameraBuffers);
  EXPECT_EQ(copies < kMany, HasRing());
}

TEST_F(BuffersTest, WhatIsReleasedCanBeHeldAgain) {
  Pipeline pipeline(Describe("mode=lossless num-buffers=60"));
  pipeline.KeepBuffers();
  pipeline.Play();
  ASSERT_TRUE(pipeline.Await(30));
  pipeline.DropKept();
  ASSERT_TRUE(pipeline.Await(60));
  EXPECT_EQ(IsOfMount(pipeline.arrivals().back().address), HasRing());
}

TEST_F(BuffersTest, AKilledPipelineHoldsNothing) {
  InitGStreamer();
  Process gst({"gst-launch-1.0", "grabfssrc", "device=" + mount().Path("sim0"), "start=false", "!",
               "fakesink"});
  const auto holds = [&] {
    device().Capture(1);
    return device().Status().at("buffers").at("held") > 0;
  };
  if (HasRing()) {
    EXPECT_TRUE(WaitUntil(holds)) << gst.err() << device().Status();
  }
  gst.Signal(SIGKILL);
  EXPECT_EQ(gst.Wait(), 128 + SIGKILL);
  EXPECT_TRUE(device().IsRecycled(device().NextSequence() - 1));
}

// A queue that gives nothing before it has twenty frames, of a user who may hold three.
TEST_F(BuffersTest, AStrangersShareIsEnough) {
  InitGStreamer();
  Start({{"sim0=pattern,format=GREY,width=128,height=96,rate=200,buffers=8,state=streaming"},
         {"allow_other"}});
  const CommandResult gst =
      RunCommand({"setpriv", "--reuid=61003", "--regid=61003", "--clear-groups", "gst-launch-1.0",
                  "grabfssrc", "device=" + mount().Path("sim0"), "num-buffers=60", "!", "queue",
                  "min-threshold-buffers=20", "!", "fakesink", "silent=false"});
  EXPECT_EQ(gst.status, 0) << gst.out << gst.err;
  EXPECT_EQ(gst.out.find("larger buffers_count") != std::string::npos, HasRing()) << gst.out;
}

TEST_F(BuffersTest, TwoPipelinesGetTheSameFrames) {
  Pipeline one(Describe("start=false mode=lossless"));
  Pipeline other(Describe("start=false mode=lossless"));
  one.KeepBuffers();
  other.KeepBuffers();
  one.Play();
  other.Play();
  const uint64_t first = device().NextSequence();
  for (size_t frame = 0; frame < 2; ++frame) {
    device().Capture(1);
    for (const Pipeline* const pipeline : {&one, &other}) {
      ASSERT_TRUE(pipeline->Await(frame + 1));
      EXPECT_EQ(pipeline->arrivals()[frame].sequence, first + frame);
      EXPECT_TRUE(IsFrame(pipeline->kept(frame)));
    }
  }
}

// --- Rows

// Of 130 bytes, which GStreamer expects to be 132.
TEST_F(BuffersTest, RowsLieAsDownstreamExpectsThem) {
  device().Set("width", "130");
  const Picture picture("GREY", 130, kCameraHeight);
  Pipeline pipeline(Describe("start=false mode=lossless"));
  pipeline.KeepBuffers();
  pipeline.Play();
  const uint64_t sequence = device().Capture(1);
  ASSERT_TRUE(pipeline.Await(1));
  const BufferMap map(pipeline.kept(0));
  ASSERT_EQ(map.bytes().size(), 132U * kCameraHeight);
  std::vector<std::byte> pixels;
  for (size_t row = 0; row < kCameraHeight; ++row) {
    const auto bytes = map.bytes().subspan(row * 132, 130);
    pixels.insert(pixels.end(), bytes.begin(), bytes.end());
  }
  EXPECT_TRUE(picture.IsFrame(pixels, sequence));
}

TEST_F(BuffersTest, WhoKnowsRowsOfAnyLengthNeedsNoCopy) {
  device().Set("width", "130");
  Pipeline pipeline(Describe("start=false mode=lossless",
                             "videoconvert name=sink ! video/x-raw,format=RGB ! fakesink"));
  pipeline.Play();
  device().Capture(1);
  ASSERT_TRUE(pipeline.Await(1));
  EXPECT_EQ(IsOfMount(pipeline.arrivals().front().address), HasRing());
}

// --- Times

uint64_t BaseTime(const Pipeline& pipeline) {
  return gst_element_get_base_time(pipeline.element());
}

TEST_F(BuffersTest, ABufferHasTheTimeOfItsCapture) {
  Pipeline pipeline(Describe("start=false mode=lossless"));
  pipeline.KeepBuffers();
  pipeline.Play();
  for (size_t frame = 0; frame < 3; ++frame) {
    const uint64_t sequence = device().Capture(1);
    ASSERT_TRUE(pipeline.Await(frame + 1));
    const uint64_t captured = std::stoull(Xattr(device().Frame(sequence), "timestamp_ns"));
    EXPECT_EQ(pipeline.arrivals()[frame].pts, captured - BaseTime(pipeline));
  }
}

uint64_t WallClock() {
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  return GST_TIMESPEC_TO_TIME(now);
}

TEST_F(BuffersTest, AnyClockWillDo) {
  Pipeline pipeline(Describe("start=false mode=lossless"));
  GstClock* const clock = GST_CLOCK(
      g_object_new(GST_TYPE_SYSTEM_CLOCK, "clock-type", GST_CLOCK_TYPE_REALTIME, nullptr));
  gst_pipeline_use_clock(GST_PIPELINE(pipeline.element()), clock);
  pipeline.Play();
  const uint64_t before = WallClock();
  device().Capture(1);
  ASSERT_TRUE(pipeline.Await(1));
  const uint64_t time = pipeline.arrivals().front().pts + BaseTime(pipeline);
  EXPECT_GE(time, before);
  EXPECT_LE(time, WallClock());
  pipeline.Stop();
  gst_object_unref(clock);
}

// --- Which frames

TEST_F(BuffersTest, NextSkipsWhatCameMeanwhileAndTells) {
  Pipeline pipeline(Describe("start=false"));
  pipeline.Play();
  pipeline.Block();
  device().Capture(1);
  ASSERT_TRUE(pipeline.Await(1));
  const uint64_t last = device().Capture(3);
  pipeline.Unblock();
  ASSERT_TRUE(pipeline.Await(2));
  const Arrival newest = pipeline.arrivals().back();
  EXPECT_EQ(newest.sequence, last);
  EXPECT_TRUE(newest.discont);
  const auto losses = pipeline.losses();
  EXPECT_EQ(losses.given, 2U);
  EXPECT_EQ(losses.lost, 2U);
}

TEST_F(BuffersTest, LosslessSkipsNone) {
  Pipeline pipeline(Describe("start=false mode=lossless"));
  pipeline.Play();
  pipeline.Block();
  const uint64_t first = device().Capture(1);
  ASSERT_TRUE(pipeline.Await(1));
  device().Capture(3);
  pipeline.Unblock();
  ASSERT_TRUE(pipeline.Await(4));
  const auto arrivals = pipeline.arrivals();
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(arrivals[i].sequence, first + i);
    EXPECT_EQ(arrivals[i].discont, i == 0);
  }
  EXPECT_EQ(pipeline.losses().lost, 0U);
}

TEST_F(BuffersTest, LosslessTellsWhatWasLostAllTheSame) {
  Pipeline pipeline(Describe("start=false mode=lossless"));
  pipeline.Play();
  pipeline.Block();
  device().Capture(1);
  ASSERT_TRUE(pipeline.Await(1));
  const uint64_t last = device().Capture(5 * kCameraBuffers);
  pipeline.Unblock();
  ASSERT_TRUE(WaitUntil([&] { return pipeline.arrivals().back().sequence == last; }));
  const uint64_t lost = pipeline.losses().lost;
  EXPECT_GT(lost, 0U);
  EXPECT_EQ(pipeline.arrivals().size() + lost, 5 * kCameraBuffers + 1);
}

TEST_F(BuffersTest, OnlyNewestBeginsWithAFrameThatWasThereBefore) {
  const uint64_t before = device().Capture(2);
  Pipeline newest(Describe("start=false mode=newest"));
  Pipeline next(Describe("start=false mode=next"));
  Pipeline lossless(Describe("start=false mode=lossless"));
  for (Pipeline* const pipeline : {&newest, &next, &lossless}) pipeline->Play();
  ASSERT_TRUE(newest.Await(1));
  EXPECT_EQ(newest.arrivals().front().sequence, before);
  const uint64_t after = device().Capture(1);
  for (const Pipeline* const pipeline : {&next, &lossless}) {
    ASSERT_TRUE(pipeline->Await(1));
    EXPECT_EQ(pipeline->arrivals().front().sequence, after);
  }
  ASSERT_TRUE(newest.Await(2));
  EXPECT_EQ(newest.arrivals().back().sequence, after) << "and goes on as the others";
  EXPECT_GE(newest.arrivals().back().pts, newest.arrivals().front().pts);
}

}  // namespace
}  // namespace grabfs::mount_test
