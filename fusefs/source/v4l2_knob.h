// SPDX-License-Identifier: Apache-2.0
//
// One thing that can be turned on a V4L2 device. v4l2_controls.cc gives them their names.
//
// Threads: any; knobs keep no state of the device.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fusefs/source/v4l2_device.h"

namespace grabfs {

class V4l2Knob {
 public:
  virtual ~V4l2Knob() = default;
  V4l2Knob(const V4l2Knob&) = delete;
  V4l2Knob& operator=(const V4l2Knob&) = delete;

  [[nodiscard]] virtual std::string title() const = 0;
  [[nodiscard]] virtual bool writable() const = 0;
  // See Controls.
  [[nodiscard]] virtual std::string Read(const V4l2Device& device) const = 0;
  [[nodiscard]] virtual std::string Describe(const V4l2Device& device) const = 0;
  virtual void Write(const V4l2Device& device, std::string_view value) const = 0;

 protected:
  V4l2Knob() = default;
};

using V4l2Knobs = std::vector<std::unique_ptr<V4l2Knob>>;

// Input and standard, where there is a choice, timings of digital signals, and crop.
V4l2Knobs FindInputKnobs(const V4l2Device& device);
// The driver's controls, without arrays and structures.
V4l2Knobs FindControlKnobs(const V4l2Device& device);

// A choice by its name or number: what names and numbers there are.
struct V4l2Choice {
  int64_t number;
  std::string name;
};
// Lines "menu NUMBER NAME".
std::string DescribeChoices(const std::vector<V4l2Choice>& choices);
// The name of a number; the number itself when it has none.
std::string NameOf(const std::vector<V4l2Choice>& choices, int64_t number);
// The number for a name, or for a number that there is. Throws Error(EINVAL) listing all.
int64_t Choose(const std::string& title, const std::vector<V4l2Choice>& choices,
               std::string_view value);
// Decimal, or hexadecimal with 0x. Throws Error(EINVAL).
int64_t ParseInteger(const std::string& title, std::string_view value);

}  // namespace grabfs
