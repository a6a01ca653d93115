// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/v4l2/controls.h"

#include <cctype>
#include <cerrno>
#include <iterator>
#include <map>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/source/v4l2/control.h"

namespace grabfs {
namespace {

class V4l2Controls final : public Controls {
 public:
  explicit V4l2Controls(std::shared_ptr<V4l2Device> device) : device_(std::move(device)) {
    for (auto& control : FindInputControls(*device_)) Add(std::move(control));
    for (auto& control : FindDriverControls(*device_)) Add(std::move(control));
  }

  [[nodiscard]] const std::vector<Name>& names() const override { return names_; }
  [[nodiscard]] std::string Read(const std::string& name) override {
    return Find(name).Read(*device_);
  }
  [[nodiscard]] std::string Describe(const std::string& name) override {
    return Find(name).Describe(*device_);
  }
  void Write(const std::string& name, std::string_view value) override {
    const V4l2Control& control = Find(name);
    if (!control.writable()) throw Error(EACCES, name + " cannot be written");
    control.Write(*device_, value);
  }

 private:
  // Titles may be equal: the second gets the suffix _2.
  void Add(std::unique_ptr<V4l2Control> control) {
    const std::string title = ControlName(control->title());
    if (title.empty()) return;
    std::string name = title;
    for (int number = 2; controls_.contains(name); ++number) {
      name = title + "_" + std::to_string(number);
    }
    names_.push_back({name, control->writable()});
    controls_.emplace(std::move(name), std::move(control));
  }

  [[nodiscard]] const V4l2Control& Find(const std::string& name) const {
    const auto found = controls_.find(name);
    if (found == controls_.end()) throw Error(ENOENT, name + ": the device has no such control");
    return *found->second;
  }

  const std::shared_ptr<V4l2Device> device_;
  std::vector<Name> names_;
  std::map<std::string, std::unique_ptr<V4l2Control>> controls_;
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
