// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests with USB cameras: a camera without hardware (uvc/uvc_camera.h), driven by
// the kernel's own uvcvideo and mounted as cam0.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/mount/support/fixture.h"
#include "tests/vm/guest/device.h"
#include "tests/vm/guest/uvc/uvc_camera.h"

namespace grabfs::vm {

inline constexpr unsigned kUvcBuffers = 8;

// What uvcvideo does with damaged pictures of cameras that are plugged in from now on.
enum class Treatment { kThrowAway, kDeliver };
inline void TreatDamaged(Treatment how) {
  WriteText("/sys/module/uvcvideo/parameters/nodrop", how == Treatment::kDeliver ? "1" : "0");
}

// The pictures that a device in the mount is to have.
inline UvcPictures PicturesOf(const UvcCamera& camera, const mount_test::Device& device) {
  const auto format = device.Get("format") == "YUYV" ? UvcFormat::kYuyv : UvcFormat::kMjpg;
  const auto width = std::stoul(device.Get("width"));
  const auto size = std::ranges::find(UvcSizes(), width, &UvcSize::width);
  return camera.Pictures(format, *size);
}

class UvcTest : public mount_test::EnvironmentTest {
 protected:
  void TearDown() override {
    mount_.reset();
    if (camera_) camera_->Unplug();
    camera_.reset();
    TreatDamaged(Treatment::kThrowAway);
  }

  // Plugs a camera in and mounts it as cam0.
  void Start(const std::string& keys, UvcCamera::Model model = {.serial = "0001"}) {
    camera_.emplace(std::move(model));
    camera_->Plug();
    mount_.emplace(mount_test::MountSpec{
        {"cam0=v4l2:" + camera_->node() + ",buffers=" + std::to_string(kUvcBuffers) + keys}, {}});
  }

  [[nodiscard]] mount_test::Device device() const { return mount_->GetDevice("cam0"); }
  [[nodiscard]] std::string Setting(const std::string& name) const {
    return device().Status().at("settings").at(name);
  }
  [[nodiscard]] uint64_t Counter(const std::string& name) const {
    return device().Status().at("counters").at(name);
  }
  // So that whatever is in them later has come from the camera.
  void SpoilBuffers() const {
    const std::vector<std::byte> junk(std::stoul(device().Get("bytes")), std::byte{0xa5});
    for (unsigned index = 0; index < kUvcBuffers; ++index) {
      const UniqueFd buffer = mount_test::Open(device().Buffer(index), O_RDWR);
      ASSERT_EQ(pwrite(buffer.get(), junk.data(), junk.size(), 0),
                static_cast<ssize_t>(junk.size()));
    }
  }
  // The numbers of the pictures in frames/, in the order of the frames.
  [[nodiscard]] std::vector<uint32_t> PresentPictures() const {
    const UvcPictures pictures = PicturesOf(*camera_, device());
    std::vector<uint32_t> numbers;
    for (const uint64_t sequence : device().Frames()) {
      const auto picture = mount_test::ReadFile(device().Frame(sequence));
      const auto number = pictures.Recognize(picture);
      EXPECT_TRUE(number.has_value()) << "frame " << sequence << ", " << picture.size() << " bytes";
      numbers.push_back(number.value_or(0));
    }
    return numbers;
  }
  // Each frame is exactly one picture that the camera has made since, later than the one before.
  void ExpectExactFrames(unsigned count) const {
    SpoilBuffers();
    const uint32_t first = camera_->next();
    static_cast<void>(device().Capture(count));
    const auto numbers = PresentPictures();
    // On a busy machine some may be lost, which the books tell.
    EXPECT_FALSE(numbers.empty());
    EXPECT_TRUE(std::ranges::is_sorted(numbers, std::less_equal()));
    for (const uint32_t number : numbers) EXPECT_GE(number, first);
    EXPECT_EQ(Counter("failed"), 0U);
    ExpectClosedBooks();
  }
  void AwaitFrames(uint64_t count) const {
    const uint64_t until = device().NextSequence() + count;
    WaitUntil("frames", [&] { return device().NextSequence() >= until; });
  }
  void ExpectClosedBooks() const {
    const auto books = device().Status().at("counters");
    const auto of = [&](const char* name) { return books.at(name).get<uint64_t>(); };
    EXPECT_EQ(of("captured"),
              of("delivered") + of("recycled") + of("dropped") + of("failed") + of("present"))
        << books.dump();
  }

  std::optional<UvcCamera> camera_;
  std::optional<mount_test::Mount> mount_;
};

}  // namespace grabfs::vm
