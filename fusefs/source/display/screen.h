// SPDX-License-Identifier: Apache-2.0
//
// The file that a display writes. Threads: one at a time.
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

  // Writes the picture and returns when the file is on its disk (fsync). Throws Error.
  virtual void Show(const FrameFormat& format, std::span<const std::byte> picture) = 0;
  // Throws Error(EINVAL) for a format that cannot follow the pictures that were shown (Y4M).
  virtual void Require(const FrameFormat& /*format*/) const {}

 protected:
  Screen() = default;
};

// Chosen by the extension: .y4m, .raw or the name of a picture form, such as .png. `rate`: for the
// header of a Y4M stream. Throws Error.
std::unique_ptr<Screen> MakeScreen(const std::string& path, Rate rate);

}  // namespace grabfs
