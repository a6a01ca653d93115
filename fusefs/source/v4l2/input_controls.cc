// SPDX-License-Identifier: Apache-2.0
//
// Controls for which V4L2 has ioctls of their own: the input, the standard of analogue signals, the
// timings of digital ones, the crop.
#include <cerrno>
#include <cstring>
#include <sstream>

#include "fusefs/base/error.h"
#include "fusefs/source/v4l2/control.h"

namespace grabfs {
namespace {

constexpr uint32_t kMostEntries = 256;
// The standard or the timings of an input that has none, as cameras.
constexpr char kNone[] = "none";

template <size_t kSize>
std::string Text(const unsigned char (&text)[kSize]) {
  const auto* const begin = reinterpret_cast<const char*>(text);
  return {begin, strnlen(begin, kSize)};
}

std::string Describe(const char* title, const std::vector<V4l2Choice>& choices) {
  return std::string("title ") + title + "\ntype menu\n" + DescribeChoices(choices);
}

class InputControl final : public V4l2Control {
 public:
  static std::vector<V4l2Choice> Inputs(const V4l2Device& device) {
    std::vector<V4l2Choice> inputs;
    for (uint32_t index = 0; index < kMostEntries; ++index) {
      v4l2_input input = {};
      input.index = index;
      if (device.Try(VIDIOC_ENUMINPUT, &input) != 0) break;
      inputs.push_back({index, Text(input.name)});
    }
    return inputs;
  }

  [[nodiscard]] std::string title() const override { return "Input"; }
  [[nodiscard]] bool writable() const override { return true; }
  [[nodiscard]] std::string Read(const V4l2Device& device) const override {
    int index = 0;
    device.Do("input", VIDIOC_G_INPUT, &index);
    return NameOf(Inputs(device), index);
  }
  [[nodiscard]] std::string Describe(const V4l2Device& device) const override {
    return grabfs::Describe("Input", Inputs(device));
  }
  void Write(const V4l2Device& device, std::string_view value) const override {
    auto index = static_cast<int>(Choose("input", Inputs(device), value));
    const int code = device.Try(VIDIOC_S_INPUT, &index);
    if (code == EBUSY) throw Error(EBUSY, "input: cannot be changed while the device streams");
    if (code != 0) device.Throw("input", code);
  }
};

// The number of a standard is its place in the driver's list: its bits are no small numbers.
class StandardControl final : public V4l2Control {
 public:
  static std::vector<v4l2_standard> List(const V4l2Device& device) {
    std::vector<v4l2_standard> standards;
    while (standards.size() < kMostEntries) {
      v4l2_standard standard = {};
      standard.index = static_cast<uint32_t>(standards.size());
      if (device.Try(VIDIOC_ENUMSTD, &standard) != 0) break;
      standards.push_back(standard);
    }
    return standards;
  }

  [[nodiscard]] std::string title() const override { return "Standard"; }
  [[nodiscard]] bool writable() const override { return true; }
  [[nodiscard]] std::string Read(const V4l2Device& device) const override {
    v4l2_std_id now = 0;
    if (device.Try(VIDIOC_G_STD, &now) != 0) return kNone;
    const auto standards = List(device);
    for (const v4l2_standard& standard : standards) {
      if (standard.id == now) return Text(standard.name);
    }
    for (const v4l2_standard& standard : standards) {
      if ((standard.id & now) != 0) return Text(standard.name);
    }
    return kNone;
  }
  [[nodiscard]] std::string Describe(const V4l2Device& device) const override {
    return grabfs::Describe("Standard", Choices(List(device)));
  }
  void Write(const V4l2Device& device, std::string_view value) const override {
    if (value == kNone && Read(device) == kNone) return;
    const auto standards = List(device);
    v4l2_std_id id =
        standards.at(static_cast<size_t>(Choose("standard", Choices(standards), value))).id;
    const int code = device.Try(VIDIOC_S_STD, &id);
    if (code == EBUSY) throw Error(EBUSY, "standard: cannot be changed while the device streams");
    if (code != 0) device.Throw("standard", code);
  }

 private:
  static std::vector<V4l2Choice> Choices(const std::vector<v4l2_standard>& standards) {
    std::vector<V4l2Choice> choices;
    for (const v4l2_standard& standard : standards) {
      choices.push_back({static_cast<int64_t>(choices.size()), Text(standard.name)});
    }
    return choices;
  }
};

// The size and rate of the signal of an HDMI, DVI or SDI input. `auto` takes what there is now.
class TimingsControl final : public V4l2Control {
 public:
  // Empty: the present input has none.
  static std::vector<v4l2_dv_timings> List(const V4l2Device& device) {
    std::vector<v4l2_dv_timings> list;
    while (list.size() < kMostEntries) {
      v4l2_enum_dv_timings entry = {};
      entry.index = static_cast<uint32_t>(list.size());
      if (device.Try(VIDIOC_ENUM_DV_TIMINGS, &entry) != 0) break;
      list.push_back(entry.timings);
    }
    return list;
  }

  [[nodiscard]] std::string title() const override { return "DV Timings"; }
  [[nodiscard]] bool writable() const override { return true; }
  [[nodiscard]] std::string Read(const V4l2Device& device) const override {
    v4l2_dv_timings now = {};
    return device.Try(VIDIOC_G_DV_TIMINGS, &now) == 0 ? Name(now) : kNone;
  }
  [[nodiscard]] std::string Describe(const V4l2Device& device) const override {
    v4l2_dv_timings detected = {};
    const bool known = device.Try(VIDIOC_QUERY_DV_TIMINGS, &detected) == 0;
    return grabfs::Describe("DV Timings", Choices(List(device))) + "detected " +
           (known ? Name(detected) : kNone) + "\n";
  }
  void Write(const V4l2Device& device, std::string_view value) const override {
    if (value == kNone && Read(device) == kNone) return;
    v4l2_dv_timings timings = value == kAuto ? Detect(device) : Find(device, value);
    const int code = device.Try(VIDIOC_S_DV_TIMINGS, &timings);
    if (code == EBUSY) throw Error(EBUSY, "dv_timings: cannot be changed while the device streams");
    if (code != 0) device.Throw("dv_timings", code);
  }

 private:
  static constexpr char kAuto[] = "auto";

  static v4l2_dv_timings Detect(const V4l2Device& device) {
    v4l2_dv_timings timings = {};
    const int code = device.Try(VIDIOC_QUERY_DV_TIMINGS, &timings);
    if (code == ENOLINK) throw Error(code, "dv_timings: there is no signal");
    if (code == ENOLCK) throw Error(code, "dv_timings: the signal is unstable");
    if (code == ERANGE) throw Error(code, "dv_timings: the device cannot follow this signal");
    if (code != 0) device.Throw("dv_timings", code);
    return timings;
  }
  static v4l2_dv_timings Find(const V4l2Device& device, std::string_view value) {
    const auto list = List(device);
    return list.at(static_cast<size_t>(Choose("dv_timings", Choices(list), value)));
  }
  static std::vector<V4l2Choice> Choices(const std::vector<v4l2_dv_timings>& list) {
    std::vector<V4l2Choice> choices;
    for (const v4l2_dv_timings& timings : list) {
      choices.push_back({static_cast<int64_t>(choices.size()), Name(timings)});
    }
    return choices;
  }
  // "1920x1080p60", "1920x1080i50", "1680x1050p59.95-rb": size, progressive or interlaced, frames
  // or fields per second, reduced blanking.
  static std::string Name(const v4l2_dv_timings& timings) {
    const v4l2_bt_timings& bt = timings.bt;
    const bool reduced = (bt.flags & V4L2_DV_FL_REDUCED_BLANKING) != 0;
    return std::to_string(bt.width) + "x" + std::to_string(bt.height) +
           (bt.interlaced != 0 ? "i" : "p") + RateOf(bt) + (reduced ? "-rb" : "");
  }
  static std::string RateOf(const v4l2_bt_timings& bt) {
    const uint64_t pixels =
        uint64_t{V4L2_DV_BT_FRAME_WIDTH(&bt)} * uint64_t{V4L2_DV_BT_FRAME_HEIGHT(&bt)};
    if (pixels == 0) return "0";
    const uint64_t fields = bt.interlaced != 0 ? 2 : 1;
    const uint64_t hundredths = (bt.pixelclock * fields * 100 + pixels / 2) / pixels;
    const std::string rest = std::to_string(100 + hundredths % 100).substr(1);
    return std::to_string(hundredths / 100) + (rest == "00" ? "" : "." + rest);
  }
};

// "LEFT TOP WIDTH HEIGHT": which part of the picture becomes the frame.
class CropControl final : public V4l2Control {
 public:
  [[nodiscard]] std::string title() const override { return "Crop"; }
  [[nodiscard]] bool writable() const override { return true; }
  [[nodiscard]] std::string Read(const V4l2Device& device) const override {
    return Get(device, V4L2_SEL_TGT_CROP);
  }
  [[nodiscard]] std::string Describe(const V4l2Device& device) const override {
    return "title Crop\ntype rectangle\nbounds " + Get(device, V4L2_SEL_TGT_CROP_BOUNDS) +
           "\ndefault " + Get(device, V4L2_SEL_TGT_CROP_DEFAULT) + "\n";
  }
  void Write(const V4l2Device& device, std::string_view value) const override {
    v4l2_selection selection = Selection(V4L2_SEL_TGT_CROP);
    std::istringstream numbers{std::string(value)};
    std::string rest;
    v4l2_rect& r = selection.r;
    if (!(numbers >> r.left >> r.top >> r.width >> r.height) || numbers >> rest) {
      throw Error(EINVAL, "crop: '" + std::string(value) + "' is not LEFT TOP WIDTH HEIGHT");
    }
    const v4l2_rect wanted = r;
    const v4l2_selection before = Current(device);
    const int code = device.Try(VIDIOC_S_SELECTION, &selection);
    if (code == EBUSY) throw Error(EBUSY, "crop: cannot be changed while the device streams");
    if (code != 0) device.Throw("crop", code);
    if (Print(r) == Print(wanted)) return;
    v4l2_selection restored = before;
    (void)device.Try(VIDIOC_S_SELECTION, &restored);
    throw Error(EINVAL,
                "crop: the device cannot make " + Print(wanted) + "; the nearest is " + Print(r));
  }

  static v4l2_selection Selection(uint32_t target) {
    v4l2_selection selection = {};
    selection.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;  // for multi-planar devices too
    selection.target = target;
    return selection;
  }

 private:
  static v4l2_selection Current(const V4l2Device& device) {
    v4l2_selection selection = Selection(V4L2_SEL_TGT_CROP);
    device.Do("crop", VIDIOC_G_SELECTION, &selection);
    return selection;
  }
  static std::string Print(const v4l2_rect& r) {
    return std::to_string(r.left) + " " + std::to_string(r.top) + " " + std::to_string(r.width) +
           " " + std::to_string(r.height);
  }
  static std::string Get(const V4l2Device& device, uint32_t target) {
    v4l2_selection selection = Selection(target);
    device.Do("crop", VIDIOC_G_SELECTION, &selection);
    return Print(selection.r);
  }
};

}  // namespace

V4l2ControlList FindInputControls(const V4l2Device& device) {
  V4l2ControlList controls;
  if (InputControl::Inputs(device).size() > 1) controls.push_back(std::make_unique<InputControl>());
  // The present input may have no standards where another has.
  if (!controls.empty() || !StandardControl::List(device).empty()) {
    v4l2_std_id now = 0;
    if (device.Try(VIDIOC_G_STD, &now) != ENOTTY)
      controls.push_back(std::make_unique<StandardControl>());
  }
  v4l2_dv_timings timings = {};
  if (device.Try(VIDIOC_G_DV_TIMINGS, &timings) != ENOTTY) {
    controls.push_back(std::make_unique<TimingsControl>());
  }
  v4l2_selection crop = CropControl::Selection(V4L2_SEL_TGT_CROP);
  if (device.Try(VIDIOC_G_SELECTION, &crop) == 0)
    controls.push_back(std::make_unique<CropControl>());
  return controls;
}

}  // namespace grabfs
