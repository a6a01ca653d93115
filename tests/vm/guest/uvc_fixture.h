// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests with USB cameras: a camera without hardware (uvc/uvc_camera.h), driven by
// the kernel's own uvcvideo and mounted as cam0.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/vm/guest/camera_fixture.h"
#include "tests/vm/guest/uvc/uvc_camera.h"

namespace grabfs::vm {

// What uvcvideo does with damaged pictures of cameras that are plugged in from now on.
enum class Treatment { kThrowAway, kDeliver };
inline void TreatDamaged(Treatment how) {
  WriteText("/sys/module/uvcvideo/parameters/nodrop", how == Treatment::kDeliver ? "1" : "0");
}

// The pictures that a device in the mount is to have.
inline UvcPictures PicturesOf(const UvcCamera& camera, const mount_test::Device& device) {
  const std::string name = device.Get("format");
  const auto format = name == "YUYV"   ? UvcFormat::kYuyv
                      : name == "MJPG" ? UvcFormat::kMjpg
                                       : UvcFormat::kH264;
  const auto width = std::stoul(device.Get("width"));
  const auto size = std::ranges::find(UvcSizes(), width, &UvcSize::width);
  return camera.Pictures(format, *size);
}

class UvcTest : public CameraTest {
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
    MountCamera(camera_->node(), keys);
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

  std::optional<UvcCamera> camera_;
};

}  // namespace grabfs::vm
