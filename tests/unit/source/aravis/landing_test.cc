// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/aravis/landing.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>

namespace grabfs {
namespace {

constexpr std::byte kPicture{0x11};
constexpr std::byte kBehind{0x22};

TEST(LandingTest, AnImageLandsInTheBufferItself) {
  const std::shared_ptr<Memory> memory = AllocateMemory("landing", 10000);
  const Landing landing(memory, 10000, 10000, 10000);
  EXPECT_EQ(landing.payload().data(), memory->bytes().data());
  EXPECT_EQ(landing.payload().size(), 10000u);
}

TEST(LandingTest, APackedImageLandsAtItsEnd) {
  const std::shared_ptr<Memory> memory = AllocateMemory("landing", 20000);
  const Landing landing(memory, 20000, 15000, 15000);
  EXPECT_EQ(landing.payload().data(), memory->bytes().data() + 5000);
  EXPECT_EQ(landing.payload().size(), 15000u);
  EXPECT_EQ(landing.image().data(), memory->bytes().data());
}

TEST(LandingTest, WhatComesBehindTheImageIsNotInTheFile) {
  for (const uint64_t image : {uint64_t{8192}, uint64_t{10000}}) {
    const std::shared_ptr<Memory> memory = AllocateMemory("landing", image);
    Landing landing(memory, image, image, image + 9000);
    ASSERT_EQ(landing.payload().size(), image + 9000);
    std::ranges::fill(landing.payload().first(image), kPicture);
    std::ranges::fill(landing.payload().subspan(image), kBehind);
    const auto is = [](std::byte wanted) { return [=](std::byte b) { return b == wanted; }; };
    EXPECT_TRUE(std::ranges::all_of(memory->bytes(), is(kPicture)));
    EXPECT_TRUE(std::ranges::all_of(landing.payload().subspan(image), is(kBehind)));
    landing.ClearTail();
    // Who maps the file sees its last page as a whole.
    const size_t pages = (image + 4095) / 4096 * 4096;
    void* const map = ::mmap(nullptr, pages, PROT_READ, MAP_SHARED, memory->frame_fd(), 0);
    ASSERT_NE(map, MAP_FAILED);
    const std::span<const std::byte> seen(static_cast<const std::byte*>(map), pages);
    EXPECT_TRUE(std::ranges::all_of(seen.first(image), is(kPicture)));
    EXPECT_TRUE(std::ranges::all_of(seen.subspan(image), is(std::byte{0})));
    ::munmap(map, pages);
  }
}

TEST(LandingTest, MappingsSurviveNewPages) {
  const std::shared_ptr<Memory> memory = AllocateMemory("landing", 10000);
  Landing landing(memory, 10000, 10000, 11000);
  ASSERT_TRUE(memory->Renew());
  std::ranges::fill(landing.payload(), kPicture);
  EXPECT_EQ(memory->bytes().back(), kPicture);
}

}  // namespace
}  // namespace grabfs
