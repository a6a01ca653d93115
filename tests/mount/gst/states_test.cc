// SPDX-License-Identifier: Apache-2.0
//
// A pipeline with grabfssrc from its start to its end: paused, stopped, unplugged.
#include "tests/mount/gst/source_fixture.h"

namespace grabfs::mount_test {
namespace {

class StatesTest : public SourceTest {
 protected:
  // Until capture has gone through all buffers twice.
  void AwaitManyFrames() const {
    const uint64_t wanted = device().NextSequence() + 2 * kCameraBuffers;
    EXPECT_TRUE(WaitUntil([&] { return device().NextSequence() >= wanted; }));
  }
};

TEST_F(StatesTest, AnIdleDeviceIsStartedAndStopped) {
  Pipeline pipeline(Describe(""));
  pipeline.Play();
  ASSERT_TRUE(pipeline.Await(3));
  EXPECT_EQ(device().Get("state"), "streaming");
  pipeline.Stop();
  EXPECT_EQ(device().Get("state"), "stopped");
}

TEST_F(StatesTest, WhatSomebodyElseStartedGoesOn) {
  device().Set("state", "start");
  Pipeline pipeline(Describe(""));
  pipeline.Play();
  ASSERT_TRUE(pipeline.Await(3));
  pipeline.Stop();
  EXPECT_EQ(device().Get("state"), "streaming");
}

TEST_F(StatesTest, ADeviceThatIsTriggeredIsNotStarted) {
  Pipeline pipeline(Describe("start=false"));
  pipeline.Play();
  device().Capture(1);
  ASSERT_TRUE(pipeline.Await(1));
  EXPECT_EQ(device().Get("state"), "stopped");
}

TEST_F(StatesTest, ADeviceThatIsStoppedIsToldOf) {
  Pipeline pipeline(Describe(""));
  pipeline.Play();
  ASSERT_TRUE(pipeline.Await(1));
  device().Stop();
  const std::string words = pipeline.AwaitMessage(GST_MESSAGE_WARNING);
  EXPECT_NE(words.find("was stopped"), std::string::npos) << words;
  device().Set("state", "start");
  const size_t before = pipeline.arrivals().size();
  EXPECT_TRUE(pipeline.Await(before + 3)) << "it goes on";
}

// Whatever the element waits for: a frame that does not come.
TEST_F(StatesTest, AWaitEndsWithThePipeline) {
  for (const char* const mode : {"newest", "next", "lossless"}) {
    Pipeline pipeline(Describe(std::string("start=false mode=") + mode));
    for (int again = 0; again < 3; ++again) {
      pipeline.Play();
      pipeline.Pause();
    }
    pipeline.Play();
    pipeline.Stop();
  }
}

// --- Pauses

TEST_F(StatesTest, APausedPipelineKeepsNoCameraFromOthers) {
  device().Set("state", "start");
  Pipeline pipeline(Describe("mode=lossless"));
  pipeline.Play();
  ASSERT_TRUE(pipeline.Await(3));
  pipeline.AwaitPlaying();
  pipeline.Pause();
  Pipeline other(Describe(""));
  other.Play();
  AwaitManyFrames();
  const size_t before = other.arrivals().size();
  EXPECT_TRUE(other.Await(before + 3 * kCameraBuffers));
}

TEST_F(StatesTest, WhatComesInAPauseIsNotGivenAndNotLost) {
  Pipeline pipeline(Describe("start=false mode=lossless"));
  pipeline.Play();
  device().Capture(1);
  ASSERT_TRUE(pipeline.Await(1));
  pipeline.AwaitPlaying();
  pipeline.Pause();
  device().Capture(3);
  pipeline.Play();
  const uint64_t sequence = device().Capture(1);
  ASSERT_TRUE(pipeline.Await(2));
  const Arrival resumed = pipeline.arrivals()[1];
  EXPECT_EQ(resumed.sequence, sequence);
  EXPECT_TRUE(resumed.discont);
  EXPECT_GT(resumed.pts, pipeline.arrivals()[0].pts);
  const uint64_t captured = std::stoull(Xattr(device().Frame(sequence), "timestamp_ns"));
  EXPECT_EQ(resumed.pts, captured - gst_element_get_base_time(pipeline.element()));
  EXPECT_EQ(pipeline.losses().lost, 0U);
}

// --- The end

TEST_F(StatesTest, AStreamEndsWithItsMount) {
  Pipeline pipeline(Describe(""));
  pipeline.Play();
  ASSERT_TRUE(pipeline.Await(3));
  mount().daemon().Signal(SIGTERM);
  EXPECT_NE(pipeline.AwaitMessage(GST_MESSAGE_WARNING).find("is gone"), std::string::npos);
  pipeline.AwaitMessage(GST_MESSAGE_EOS);
  pipeline.Stop();
  EXPECT_EQ(mount().daemon().Wait(), 0);
  mount().Abandon();
}

TEST_F(StatesTest, ADaemonThatIsKilledIsAnError) {
  Pipeline pipeline(Describe(""));
  pipeline.KeepBuffers();
  pipeline.Play();
  ASSERT_TRUE(pipeline.Await(1));
  mount().daemon().Signal(SIGKILL);
  const std::string words = pipeline.AwaitMessage(GST_MESSAGE_ERROR);
  EXPECT_NE(words.find("daemon"), std::string::npos) << words;
  EXPECT_NE(words.find("Mount it again"), std::string::npos) << words;
  EXPECT_TRUE(camera_picture_.IsFrame(BufferMap(pipeline.kept(0)).bytes(),
                                      GST_BUFFER_OFFSET(pipeline.kept(0))))
      << "what is held stays";
  mount().Abandon();
}

TEST_F(StatesTest, NoSuchDeviceIsAnErrorThatSaysHowToFindOne) {
  Pipeline pipeline("grabfssrc device=" + mount().Path("cam7") + " ! fakesink name=sink");
  try {
    pipeline.Play();
    FAIL();
  } catch (const std::runtime_error& error) {
    const std::string words = error.what();
    EXPECT_NE(words.find("cam7"), std::string::npos) << words;
    EXPECT_NE(words.find("grabfs-cli list"), std::string::npos) << words;
  }
}

}  // namespace
}  // namespace grabfs::mount_test
