// SPDX-License-Identifier: Apache-2.0
//
// One control of a V4L2 device. controls.cc gives it its file name.
//
// Threads: any; a control has no state of the device.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fusefs/source/v4l2/device.h"

namespace grabfs {

class V4l2Control {
 public:
  virtual ~V4l2Control() = default;
  V4l2Control(const V4l2Control&) = delete;
  V4l2Control& operator=(const V4l2Control&) = delete;

  [[nodiscard]] virtual std::string title() const = 0;
  [[nodiscard]] virtual bool writable() const = 0;
  // See Controls.
  [[nodiscard]] virtual std::string Read(const V4l2Device& device) const = 0;
  [[nodiscard]] virtual std::string Describe(const V4l2Device& device) const = 0;
  virtual void Write(const V4l2Device& device, std::string_view value) const = 0;

 protected:
  V4l2Control() = default;
};

using V4l2ControlList = std::vector<std::unique_ptr<V4l2Control>>;

// Input and standard, if there is a choice, timings of digital signals, and crop.
V4l2ControlList FindInputControls(const V4l2Device& device);
// The driver's own controls (VIDIOC_QUERY_EXT_CTRL), without compound ones.
V4l2ControlList FindDriverControls(const V4l2Device& device);

// One value of a control that is chosen by name or number.
struct V4l2Choice {
  int64_t number;
  std::string name;
};
// Lines "menu NUMBER NAME".
std::string DescribeChoices(const std::vector<V4l2Choice>& choices);
// The name of a number; the number itself when it has none.
std::string NameOf(const std::vector<V4l2Choice>& choices, int64_t number);
// The number for a name, or for the text of an existing number. Throws Error(EINVAL) listing all.
int64_t Choose(const std::string& title, const std::vector<V4l2Choice>& choices,
               std::string_view value);
// Decimal, or hexadecimal with 0x. Throws Error(EINVAL).
int64_t ParseInteger(const std::string& title, std::string_view value);

}  // namespace grabfs
