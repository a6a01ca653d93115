// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/v4l2_controls.h"

#include <cctype>
#include <cerrno>
#include <iterator>
#include <map>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/source/v4l2_knob.h"

namespace grabfs {
namespace {

class V4l2Controls final : public Controls {
 public:
  explicit V4l2Controls(std::shared_ptr<V4l2Device> device) : device_(std::move(device)) {
    for (auto& knob : FindInputKnobs(*device_)) Add(std::move(knob));
    for (auto& knob : FindControlKnobs(*device_)) Add(std::move(knob));
  }

  [[nodiscard]] const std::vector<Name>& names() const override { return names_; }
  [[nodiscard]] std::string Read(const std::string& name) override {
    return Find(name).Read(*device_);
  }
  [[nodiscard]] std::string Describe(const std::string& name) override {
    return Find(name).Describe(*device_);
  }
  void Write(const std::string& name, std::string_view value) override {
    const V4l2Knob& knob = Find(name);
    if (!knob.writable()) throw Error(EACCES, name + " cannot be written");
    knob.Write(*device_, value);
  }

 private:
  // Titles need not differ.
  void Add(std::unique_ptr<V4l2Knob> knob) {
    const std::string title = ControlName(knob->title());
    if (title.empty()) return;
    std::string name = title;
    for (int number = 2; knobs_.contains(name); ++number) {
      name = title + "_" + std::to_string(number);
    }
    names_.push_back({name, knob->writable()});
    knobs_.emplace(std::move(name), std::move(knob));
  }

  [[nodiscard]] const V4l2Knob& Find(const std::string& name) const {
    const auto found = knobs_.find(name);
    if (found == knobs_.end()) throw Error(ENOENT, name + ": the device has no such control");
    return *found->second;
  }

  const std::shared_ptr<V4l2Device> device_;
  std::vector<Name> names_;
  std::map<std::string, std::unique_ptr<V4l2Knob>> knobs_;
};

}  // namespace

std::shared_ptr<Controls> MakeV4l2Controls(std::shared_ptr<V4l2Device> device) {
  return std::make_shared<V4l2Controls>(std::move(device));
}

std::string ControlName(std::string_view title) {
  std::string name;
  for (const char c : title) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && std::isalnum(byte) != 0) {
      name += static_cast<char>(std::tolower(byte));
    } else if (!name.empty() && name.back() != '_') {
      name += '_';
    }
  }
  if (name.ends_with('_')) name.pop_back();
  return name;
}

}  // namespace grabfs
