// SPDX-License-Identifier: Apache-2.0
//
// The rules of every source, on one that needs no hardware.
#include "fusefs/source/source.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/source/rig.h"

namespace grabfs {
namespace {

constexpr char kSmall[] = "pattern,format=GREY,width=16,height=16,rate=0";

TEST(Source, FormatChangesOnlyWhileIdle) {
  Rig rig(kSmall);
  rig->Start(0);
  EXPECT_EQ(ErrorOf(EBUSY, [&] { rig->SetFormat({.fourcc = kY16}); }),
            "format: not while capturing");
  rig->Stop();
  rig->SetFormat({.fourcc = kY16});
  EXPECT_EQ(rig->format().fourcc, kY16);
  EXPECT_EQ(rig->format().width, 16u);
}

TEST(Source, ARefusedFormatChangesNothing) {
  Rig rig(kSmall);
  const FrameFormat before = rig->format();
  EXPECT_NE(ErrorOf(EINVAL, [&] { rig->SetFormat({.fourcc = kY16, .width = 17}); }), "");
  EXPECT_EQ(rig->format(), before);
}

TEST(Source, BuffersAreAllocatedAndBoundOnlyWhileIdle) {
  Rig rig(kSmall);
  rig->Start(0);
  EXPECT_NE(ErrorOf(EBUSY, [&] { rig->AllocateBuffers("x", 2); }), "");
  EXPECT_NE(ErrorOf(EBUSY, [&] { rig->Bind({}); }), "");
}

TEST(Source, StartsOnce) {
  Rig rig(kSmall);
  rig->Start(0);
  EXPECT_TRUE(rig->capturing());
  EXPECT_NE(ErrorOf(EBUSY, [&] { rig->Start(1); }), "");
}

TEST(Source, StopsAsOftenAsAsked) {
  Rig rig(kSmall);
  rig->Stop();
  rig->Start(0);
  rig->Stop();
  rig->Stop();
  EXPECT_FALSE(rig->capturing());
}

TEST(Source, AnIdleSourceWantsNothingAndHasNothing) {
  Rig rig(kSmall);
  EXPECT_EQ(rig->Wanted(), 0u);
  EXPECT_EQ(rig->Dequeue(), std::nullopt);
  rig->Starve();
  rig->Extend(3);
  EXPECT_EQ(rig->Dequeue(), std::nullopt);
  EXPECT_NE(ErrorOf(EINVAL, [&] { rig->Queue(0); }), "");
}

TEST(Source, AllocatesAsManyBuffersAsAskedOfTheExactSize) {
  const auto source = MakeSourceFrom("pattern,format=NV12,width=34,height=18");
  const auto buffers = source->AllocateBuffers("sim0", 5);
  ASSERT_EQ(buffers.size(), 5u);
  for (const auto& buffer : buffers) EXPECT_EQ(buffer->bytes().size(), 918u);
}

TEST(Source, RefusesNoBuffersAndMoreThanThereIsMemoryFor) {
  const auto source = MakeSourceFrom("pattern,width=16384,height=16384");
  EXPECT_NE(ErrorOf(EINVAL, [&] { source->AllocateBuffers("sim0", 0); }), "");
  const std::string text = ErrorOf(ENOMEM, [&] { source->AllocateBuffers("sim0", 4000000); });
  EXPECT_TRUE(text.starts_with("4000000 buffers x 1073741824 bytes = ")) << text;
}

TEST(Source, BuffersOutliveTheSource) {
  auto source = MakeSourceFrom(kSmall);
  auto buffers = source->AllocateBuffers("sim0", 1);
  source->Bind({std::shared_ptr<Memory>(std::move(buffers[0]))});
  std::shared_ptr<Memory> kept;
  {
    auto more = source->AllocateBuffers("sim0", 1);
    kept = std::move(more[0]);
    source->Bind({kept});
    source->Start(1);
    ASSERT_EQ(source->Wanted(), 1u);
    source->Queue(0);
    ASSERT_TRUE(source->Dequeue());
  }
  source.reset();
  EXPECT_EQ(kept.use_count(), 1);
  EXPECT_EQ(kept->bytes().size(), 256u);
}

}  // namespace
}  // namespace grabfs
