// SPDX-License-Identifier: Apache-2.0
//
// The files that a display writes.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "fusefs/base/pixel_format.h"
#include "fusefs/base/rate.h"

namespace grabfs {

class Screen {
 public:
  virtual ~Screen() = default;
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // The picture is in the file, and the file on its disk, when it returns. Throws Error.
  virtual void Show(const FrameFormat& format, std::span<const std::byte> picture) = 0;
  // Throws Error(EINVAL) for a format that cannot be shown.
  virtual void Require(const FrameFormat& format) const = 0;

 protected:
  Screen() = default;
};

// By the end of the name: .y4m, .png, .raw. `rate`: what a Y4M stream says. Throws Error.
std::unique_ptr<Screen> MakeScreen(const std::string& path, Rate rate);

}  // namespace grabfs
