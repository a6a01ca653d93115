// SPDX-License-Identifier: Apache-2.0
//
// The controls of a driver.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/source/v4l2/control.h"

namespace grabfs {
namespace {

constexpr uint32_t kMostControls = 4096;

struct Type {
  uint32_t type;
  const char* name;
};
constexpr Type kTypes[] = {
    {V4L2_CTRL_TYPE_INTEGER, "integer"},   {V4L2_CTRL_TYPE_BOOLEAN, "boolean"},
    {V4L2_CTRL_TYPE_MENU, "menu"},         {V4L2_CTRL_TYPE_BUTTON, "button"},
    {V4L2_CTRL_TYPE_INTEGER64, "integer"}, {V4L2_CTRL_TYPE_STRING, "string"},
    {V4L2_CTRL_TYPE_BITMASK, "bitmask"},   {V4L2_CTRL_TYPE_INTEGER_MENU, "menu"},
};

const Type* FindType(uint32_t type) {
  const auto* const found = std::ranges::find(kTypes, type, &Type::type);
  return found == std::end(kTypes) ? nullptr : found;
}

std::string Hex(uint64_t value) {
  std::array<char, 24> text;
  std::snprintf(text.data(), text.size(), "0x%08llx", static_cast<unsigned long long>(value));
  return text.data();
}

class DriverControl final : public V4l2Control {
 public:
  explicit DriverControl(const v4l2_query_ext_ctrl& query)
      : id_(query.id),
        type_(query.type),
        flags_(query.flags),
        bytes_(query.elem_size),
        title_(query.name, strnlen(query.name, sizeof query.name)) {}

  [[nodiscard]] std::string title() const override { return title_; }
  [[nodiscard]] bool writable() const override { return (flags_ & V4L2_CTRL_FLAG_READ_ONLY) == 0; }
  [[nodiscard]] std::string Read(const V4l2Device& device) const override;
  [[nodiscard]] std::string Describe(const V4l2Device& device) const override;
  void Write(const V4l2Device& device, std::string_view value) const override;

 private:
  [[nodiscard]] v4l2_query_ext_ctrl Query(const V4l2Device& device) const;
  [[nodiscard]] std::vector<V4l2Choice> Choices(const V4l2Device& device,
                                                const v4l2_query_ext_ctrl& query) const;
  [[nodiscard]] bool choice() const {
    return type_ == V4L2_CTRL_TYPE_MENU || type_ == V4L2_CTRL_TYPE_INTEGER_MENU;
  }
  [[nodiscard]] bool wide() const { return type_ == V4L2_CTRL_TYPE_INTEGER64; }
  [[nodiscard]] bool text() const { return type_ == V4L2_CTRL_TYPE_STRING; }
  // Unsigned 32 bits in a signed field.
  [[nodiscard]] int64_t ValueOf(const v4l2_ext_control& control) const {
    if (wide()) return control.value64;
    if (type_ == V4L2_CTRL_TYPE_BITMASK) return static_cast<uint32_t>(control.value);
    return control.value;
  }
  [[nodiscard]] int Get(const V4l2Device& device, v4l2_ext_control& control) const;
  [[nodiscard]] std::string Print(const V4l2Device& device, int64_t value) const;
  [[nodiscard]] int64_t Parse(const V4l2Device& device, const v4l2_query_ext_ctrl& query,
                              std::string_view value) const;
  void Set(const V4l2Device& device, v4l2_ext_control& control, std::string_view value) const;
  void CheckRange(const v4l2_query_ext_ctrl& query, int64_t value) const;

  const uint32_t id_;
  const uint32_t type_;
  const uint32_t flags_;
  const uint32_t bytes_;  // of a string, its end included
  const std::string title_;
};

v4l2_query_ext_ctrl DriverControl::Query(const V4l2Device& device) const {
  v4l2_query_ext_ctrl query = {};
  query.id = id_;
  device.Do("control", VIDIOC_QUERY_EXT_CTRL, &query);
  return query;
}

std::vector<V4l2Choice> DriverControl::Choices(const V4l2Device& device,
                                               const v4l2_query_ext_ctrl& query) const {
  std::vector<V4l2Choice> choices;
  for (int64_t index = query.minimum; index <= query.maximum; ++index) {
    v4l2_querymenu item = {};
    item.id = id_;
    item.index = static_cast<uint32_t>(index);
    if (device.Try(VIDIOC_QUERYMENU, &item) != 0) continue;  // menus have holes
    const auto* const name = reinterpret_cast<const char*>(item.name);
    choices.push_back({index, type_ == V4L2_CTRL_TYPE_INTEGER_MENU
                                  ? std::to_string(item.value)
                                  : std::string(name, strnlen(name, sizeof item.name))});
  }
  return choices;
}

int DriverControl::Get(const V4l2Device& device, v4l2_ext_control& control) const {
  control.id = id_;
  v4l2_ext_controls one = {};
  one.which = V4L2_CTRL_WHICH_CUR_VAL;
  one.count = 1;
  one.controls = &control;
  return device.Try(VIDIOC_G_EXT_CTRLS, &one);
}

std::string DriverControl::Read(const V4l2Device& device) const {
  if (type_ == V4L2_CTRL_TYPE_BUTTON || (flags_ & V4L2_CTRL_FLAG_WRITE_ONLY) != 0) return "";
  std::string space(bytes_ + 1, '\0');
  v4l2_ext_control control = {};
  if (text()) {
    control.size = bytes_;
    control.string = space.data();
  }
  if (const int code = Get(device, control)) device.Throw(title_.c_str(), code);
  return text() ? std::string(space.c_str()) : Print(device, ValueOf(control));
}

std::string DriverControl::Print(const V4l2Device& device, int64_t value) const {
  if (choice()) return NameOf(Choices(device, Query(device)), value);
  if (type_ == V4L2_CTRL_TYPE_BITMASK) return Hex(static_cast<uint64_t>(value));
  return std::to_string(value);
}

std::string DriverControl::Describe(const V4l2Device& device) const {
  const v4l2_query_ext_ctrl query = Query(device);
  std::string lines = "title " + title_ + "\ntype " + FindType(type_)->name + "\n";
  if (type_ == V4L2_CTRL_TYPE_BITMASK) {
    lines += "maximum " + Hex(static_cast<uint32_t>(query.maximum)) + "\n";
  } else if (type_ != V4L2_CTRL_TYPE_BUTTON && !choice()) {
    lines += "minimum " + std::to_string(query.minimum) + "\nmaximum " +
             std::to_string(query.maximum) + "\nstep " + std::to_string(query.step) + "\n";
  }
  if (type_ != V4L2_CTRL_TYPE_BUTTON && !text()) {
    lines += "default " + Print(device, query.default_value) + "\n";
  }
  constexpr std::pair<uint32_t, const char*> kFlags[] = {
      {V4L2_CTRL_FLAG_DISABLED, "disabled"},     {V4L2_CTRL_FLAG_GRABBED, "grabbed"},
      {V4L2_CTRL_FLAG_READ_ONLY, "read-only"},   {V4L2_CTRL_FLAG_INACTIVE, "inactive"},
      {V4L2_CTRL_FLAG_WRITE_ONLY, "write-only"}, {V4L2_CTRL_FLAG_VOLATILE, "volatile"},
  };
  for (const auto& [flag, name] : kFlags) {
    if ((query.flags & flag) != 0) lines += std::string("flag ") + name + "\n";
  }
  return choice() ? lines + DescribeChoices(Choices(device, query)) : lines;
}

void DriverControl::Write(const V4l2Device& device, std::string_view value) const {
  v4l2_ext_control control = {};
  control.id = id_;
  std::string space(value);
  const v4l2_query_ext_ctrl query = Query(device);
  if (text()) {
    space.resize(std::max<size_t>(space.size() + 1, 1));
    if (space.size() > bytes_) {
      throw Error(EINVAL, title_ + ": at most " + std::to_string(bytes_ - 1) + " bytes");
    }
    control.size = bytes_;
    space.resize(bytes_);
    control.string = space.data();
  } else if (type_ != V4L2_CTRL_TYPE_BUTTON) {
    const int64_t number = Parse(device, query, value);
    if (wide()) {
      control.value64 = number;
    } else {
      control.value = static_cast<int32_t>(number);
    }
  }
  Set(device, control, value);
}

int64_t DriverControl::Parse(const V4l2Device& device, const v4l2_query_ext_ctrl& query,
                             std::string_view value) const {
  if (choice()) return Choose(title_, Choices(device, query), value);
  const int64_t number = ParseInteger(title_, value);
  CheckRange(query, number);
  return number;
}

// Drivers clamp values that are out of range silently; a user shall get an error.
void DriverControl::CheckRange(const v4l2_query_ext_ctrl& query, int64_t value) const {
  const bool mask = type_ == V4L2_CTRL_TYPE_BITMASK;
  const int64_t min = mask ? 0 : query.minimum;
  const int64_t max =
      mask ? static_cast<int64_t>(static_cast<uint32_t>(query.maximum)) : query.maximum;
  if (value >= min && value <= max) return;
  throw Error(EINVAL, title_ + ": " + std::to_string(value) + ": must be from " +
                          std::to_string(min) + " to " + std::to_string(max));
}

void DriverControl::Set(const V4l2Device& device, v4l2_ext_control& control,
                        std::string_view value) const {
  v4l2_ext_controls one = {};
  one.which = V4L2_CTRL_WHICH_CUR_VAL;
  one.count = 1;
  one.controls = &control;
  switch (const int code = device.Try(VIDIOC_S_EXT_CTRLS, &one)) {
    case 0:
      return;
    case ERANGE:
    case EINVAL:
    case EILSEQ:
      throw Error(EINVAL, title_ + ": the device does not take '" + std::string(value) + "'");
    case EACCES:
      throw Error(EACCES, title_ + ": cannot be set now (another control decides)");
    case EBUSY:
      throw Error(EBUSY, title_ + ": cannot be set while the device streams");
    default:
      device.Throw(title_.c_str(), code);
  }
}

}  // namespace

V4l2ControlList FindDriverControls(const V4l2Device& device) {
  V4l2ControlList controls;
  v4l2_query_ext_ctrl query = {};
  for (uint32_t count = 0; count < kMostControls; ++count) {
    // Compound controls are not asked for.
    const uint32_t next = query.id | V4L2_CTRL_FLAG_NEXT_CTRL;
    query = {};
    query.id = next;
    if (device.Try(VIDIOC_QUERY_EXT_CTRL, &query) != 0) break;
    const bool usable = FindType(query.type) != nullptr && query.nr_of_dims == 0 &&
                        (query.flags & V4L2_CTRL_FLAG_DISABLED) == 0;
    if (usable) controls.push_back(std::make_unique<DriverControl>(query));
  }
  return controls;
}

}  // namespace grabfs
