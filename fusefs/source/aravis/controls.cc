// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/aravis/controls.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace grabfs {
namespace {

// The daemon's own business.
constexpr std::string_view kNotForUsers[] = {"AcquisitionStart", "AcquisitionStop",
                                             "AcquisitionAbort", "AcquisitionArm"};
// What changes a frame's bytes. A camera that streams refuses most of them by itself, not all do.
constexpr std::string_view kOfTheFrame[] = {"Width",
                                            "Height",
                                            "PixelFormat",
                                            "BinningHorizontal",
                                            "BinningVertical",
                                            "DecimationVertical",
                                            "DecimationHorizontal",
                                            "ChunkModeActive",
                                            "PayloadSize",
                                            "ChunkEnable"};

enum class Type { kInteger, kFloat, kBoolean, kMenu, kString, kButton };

const char* TypeName(Type type) {
  constexpr std::array kNames = {"integer", "float", "boolean", "menu", "string", "button"};
  return kNames[static_cast<size_t>(type)];
}

// Of a float node Aravis says that it is an integer, too, when it is a converter: floats first.
std::optional<Type> TypeOf(ArvGcNode* node) {
  if (ARV_IS_GC_ENUMERATION(node)) return Type::kMenu;
  if (ARV_IS_GC_BOOLEAN(node)) return Type::kBoolean;
  if (ARV_IS_GC_COMMAND(node)) return Type::kButton;
  if (ARV_IS_GC_FLOAT(node)) return Type::kFloat;
  if (ARV_IS_GC_INTEGER(node)) return Type::kInteger;
  if (ARV_IS_GC_STRING(node)) return Type::kString;
  return std::nullopt;
}

bool IsFileName(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// The shortest text that gives the same number.
std::string Print(double value) {
  std::array<char, 40> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::string(text.data(), end) : std::to_string(value);
}
std::string Print(int64_t value) { return std::to_string(value); }

template <typename Number>
Number Parse(const std::string& name, std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || text.empty()) {
    throw Error(EINVAL, name + ": '" + std::string(text) + "' is no number");
  }
  return number;
}

int64_t ParseInteger(const std::string& name, std::string_view text) {
  if (!text.starts_with("0x")) return Parse<int64_t>(name, text);
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + 2, end, number, 16);
  if (error != std::errc() || stop != end) {
    throw Error(EINVAL, name + ": '" + std::string(text) + "' is no number");
  }
  return static_cast<int64_t>(number);
}

template <typename Number>
void CheckRange(const std::string& name, Number value, Number minimum, Number maximum,
                const std::string& unit) {
  if (value >= minimum && value <= maximum) return;
  throw Error(EINVAL, name + ": " + Print(value) + ": must be from " + Print(minimum) + " to " +
                          Print(maximum) + (unit.empty() ? "" : " " + unit));
}

// One line, whatever the camera's description is made of.
std::string OneLine(const char* text) {
  std::string line;
  for (const char c : TextOf(text)) {
    const bool blank = static_cast<unsigned char>(c) <= ' ';
    if (!blank) line += c;
    if (blank && !line.empty() && line.back() != ' ') line += ' ';
  }
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

// A feature of the camera. All functions are called with the camera locked.
class Feature {
 public:
  Feature(ArvGcNode* node, Type type) : node_(node), type_(type) {}

  [[nodiscard]] bool writable() const {
    return type_ == Type::kButton ||
           arv_gc_feature_node_get_actual_access_mode(feature()) != ARV_GC_ACCESS_MODE_RO;
  }
  [[nodiscard]] std::string Read() const;
  [[nodiscard]] std::string Describe() const;
  void Write(std::string_view value) const;

 private:
  [[nodiscard]] ArvGcFeatureNode* feature() const { return ARV_GC_FEATURE_NODE(node_); }
  [[nodiscard]] std::string name() const { return TextOf(arv_gc_feature_node_get_name(feature())); }
  [[nodiscard]] std::string unit() const;
  [[nodiscard]] std::string Range() const;
  [[nodiscard]] std::string Menu() const;
  void WriteInteger(int64_t value) const;
  void WriteFloat(double value) const;
  void WriteMenu(std::string_view value) const;
  void WriteBoolean(std::string_view value) const;

  ArvGcNode* const node_;  // of the camera
  const Type type_;
};

std::string Feature::unit() const {
  if (type_ == Type::kInteger) return TextOf(arv_gc_integer_get_unit(ARV_GC_INTEGER(node_)));
  if (type_ == Type::kFloat) return TextOf(arv_gc_float_get_unit(ARV_GC_FLOAT(node_)));
  return "";
}

std::string Feature::Read() const {
  if (type_ == Type::kButton ||
      arv_gc_feature_node_get_actual_access_mode(feature()) == ARV_GC_ACCESS_MODE_WO) {
    return "";
  }
  GErrorSlot error;
  std::string text;
  switch (type_) {
    case Type::kInteger:
      text = Print(int64_t{arv_gc_integer_get_value(ARV_GC_INTEGER(node_), error)});
      break;
    case Type::kFloat:
      text = Print(arv_gc_float_get_value(ARV_GC_FLOAT(node_), error));
      break;
    case Type::kBoolean:
      text = arv_gc_boolean_get_value(ARV_GC_BOOLEAN(node_), error) != FALSE ? "1" : "0";
      break;
    case Type::kMenu:
      text = OneLine(arv_gc_enumeration_get_string_value(ARV_GC_ENUMERATION(node_), error));
      break;
    case Type::kString:
      text = OneLine(arv_gc_string_get_value(ARV_GC_STRING(node_), error));
      break;
    case Type::kButton:
      break;
  }
  error.Check(name());
  return text;
}

std::string Feature::Range() const {
  // Cameras leave some of them out.
  GErrorSlot low;
  GErrorSlot high;
  GErrorSlot step;
  std::string lines;
  const auto add = [&](const GErrorSlot& error, const char* key, auto value) {
    if (!error.failed()) lines += std::string(key) + " " + Print(value) + "\n";
  };
  if (type_ == Type::kInteger) {
    ArvGcInteger* const integer = ARV_GC_INTEGER(node_);
    const int64_t minimum = arv_gc_integer_get_min(integer, low);
    const int64_t maximum = arv_gc_integer_get_max(integer, high);
    const int64_t increment = arv_gc_integer_get_inc(integer, step);
    add(low, "minimum", minimum);
    add(high, "maximum", maximum);
    add(step, "step", increment);
  } else if (type_ == Type::kFloat) {
    ArvGcFloat* const number = ARV_GC_FLOAT(node_);
    const double minimum = arv_gc_float_get_min(number, low);
    const double maximum = arv_gc_float_get_max(number, high);
    add(low, "minimum", minimum);
    add(high, "maximum", maximum);
  }
  return lines;
}

std::string Feature::Menu() const {
  std::string lines;
  for (const GSList* entry = arv_gc_enumeration_get_entries(ARV_GC_ENUMERATION(node_));
       entry != nullptr; entry = entry->next) {
    auto* const item = static_cast<ArvGcFeatureNode*>(entry->data);
    GErrorSlot error;
    if (arv_gc_feature_node_is_available(item, error) == FALSE || error.failed()) continue;
    const int64_t number = arv_gc_enum_entry_get_value(ARV_GC_ENUM_ENTRY(item), error);
    if (error.failed()) continue;
    lines +=
        "menu " + std::to_string(number) + " " + TextOf(arv_gc_feature_node_get_name(item)) + "\n";
  }
  return lines;
}

std::string Feature::Describe() const {
  std::string title = OneLine(arv_gc_feature_node_get_display_name(feature()));
  if (title.empty()) title = name();
  std::string lines = "title " + title + "\ntype " + TypeName(type_) + "\n" + Range();
  if (!unit().empty()) lines += "unit " + OneLine(unit().c_str()) + "\n";
  if (!writable()) lines += "flag read-only\n";
  GErrorSlot error;
  if (arv_gc_feature_node_is_locked(feature(), error) != FALSE && !error.failed()) {
    lines += "flag grabbed\n";
  }
  if (arv_gc_feature_node_is_available(feature(), error) == FALSE && !error.failed()) {
    lines += "flag inactive\n";
  }
  if (type_ == Type::kMenu) lines += Menu();
  const std::string description = OneLine(arv_gc_feature_node_get_description(feature()));
  if (!description.empty()) lines += "description " + description + "\n";
  return lines;
}

void Feature::Write(std::string_view value) const {
  GErrorSlot error;
  switch (type_) {
    case Type::kInteger:
      return WriteInteger(ParseInteger(name(), value));
    case Type::kFloat:
      return WriteFloat(Parse<double>(name(), value));
    case Type::kMenu:
      return WriteMenu(value);
    case Type::kBoolean:
      return WriteBoolean(value);
    case Type::kString:
      arv_gc_string_set_value(ARV_GC_STRING(node_), std::string(value).c_str(), error);
      break;
    case Type::kButton:
      arv_gc_command_execute(ARV_GC_COMMAND(node_), error);
      break;
  }
  error.Check(name());
}

void Feature::WriteInteger(int64_t value) const {
  ArvGcInteger* const integer = ARV_GC_INTEGER(node_);
  GErrorSlot low;
  GErrorSlot high;
  const int64_t minimum = arv_gc_integer_get_min(integer, low);
  const int64_t maximum = arv_gc_integer_get_max(integer, high);
  if (!low.failed() && !high.failed()) CheckRange(name(), value, minimum, maximum, unit());
  GErrorSlot step;
  const int64_t increment = arv_gc_integer_get_inc(integer, step);
  if (!step.failed() && !low.failed() && increment > 1 &&
      (static_cast<uint64_t>(value) - static_cast<uint64_t>(minimum)) %
              static_cast<uint64_t>(increment) !=
          0) {
    throw Error(EINVAL, name() + ": " + Print(value) + ": must be " + Print(minimum) +
                            " and a multiple of " + Print(increment) + " more");
  }
  GErrorSlot error;
  arv_gc_integer_set_value(integer, value, error);
  error.Check(name());
}

void Feature::WriteFloat(double value) const {
  if (!std::isfinite(value)) throw Error(EINVAL, name() + ": must be a finite number");
  ArvGcFloat* const number = ARV_GC_FLOAT(node_);
  GErrorSlot low;
  GErrorSlot high;
  const double minimum = arv_gc_float_get_min(number, low);
  const double maximum = arv_gc_float_get_max(number, high);
  if (!low.failed() && !high.failed()) CheckRange(name(), value, minimum, maximum, unit());
  GErrorSlot error;
  arv_gc_float_set_value(number, value, error);
  error.Check(name());
}

// By its name, or by its number.
void Feature::WriteMenu(std::string_view value) const {
  std::string known;
  for (const GSList* entry = arv_gc_enumeration_get_entries(ARV_GC_ENUMERATION(node_));
       entry != nullptr; entry = entry->next) {
    auto* const item = static_cast<ArvGcFeatureNode*>(entry->data);
    const std::string item_name = TextOf(arv_gc_feature_node_get_name(item));
    GErrorSlot error;
    const int64_t number = arv_gc_enum_entry_get_value(ARV_GC_ENUM_ENTRY(item), error);
    if (value == item_name || (!error.failed() && value == Print(number))) {
      arv_gc_enumeration_set_string_value(ARV_GC_ENUMERATION(node_), item_name.c_str(), error);
      error.Check(name());
      return;
    }
    known += (known.empty() ? "" : ", ") + item_name;
  }
  throw Error(EINVAL, name() + ": '" + std::string(value) + "' is none of " + known);
}

void Feature::WriteBoolean(std::string_view value) const {
  const bool on = value == "1" || value == "true";
  if (!on && value != "0" && value != "false") {
    throw Error(EINVAL, name() + ": '" + std::string(value) + "': use 0 or 1");
  }
  GErrorSlot error;
  arv_gc_boolean_set_value(ARV_GC_BOOLEAN(node_), on ? TRUE : FALSE, error);
  error.Check(name());
}

class AravisControls final : public Controls {
 public:
  explicit AravisControls(std::shared_ptr<AravisCamera> camera) : camera_(std::move(camera)) {
    camera_->With([&](ArvCamera* arv) {
      ArvGc* const genicam = arv_device_get_genicam(arv_camera_get_device(arv));
      std::set<std::string> categories;
      AddCategory(genicam, "Root", categories);
    });
  }

  [[nodiscard]] const std::vector<Name>& names() const override { return names_; }
  [[nodiscard]] std::string Read(const std::string& name) override {
    const Feature& feature = Find(name);
    return camera_->With([&](ArvCamera* /*arv*/) { return feature.Read(); });
  }
  [[nodiscard]] std::string Describe(const std::string& name) override {
    const Feature& feature = Find(name);
    return camera_->With([&](ArvCamera* /*arv*/) { return feature.Describe(); });
  }
  void Write(const std::string& name, std::string_view value) override {
    const Feature& feature = Find(name);
    if (camera_->streaming() && std::ranges::find(kOfTheFrame, name) != std::end(kOfTheFrame)) {
      throw Error(EBUSY, name + ": cannot be changed while the device captures: stop first");
    }
    camera_->With([&](ArvCamera* /*arv*/) {
      if (!feature.writable()) throw Error(EACCES, name + " cannot be written");
      feature.Write(value);
    });
  }

 private:
  void AddCategory(ArvGc* genicam, const std::string& name, std::set<std::string>& seen) {
    ArvGcNode* const node = arv_gc_get_node(genicam, name.c_str());
    if (node == nullptr || !ARV_IS_GC_CATEGORY(node) || !seen.insert(name).second) return;
    for (const GSList* entry = arv_gc_category_get_features(ARV_GC_CATEGORY(node));
         entry != nullptr; entry = entry->next) {
      const std::string child = static_cast<const char*>(entry->data);
      AddFeature(arv_gc_get_node(genicam, child.c_str()), child);
      AddCategory(genicam, child, seen);
    }
  }

  void AddFeature(ArvGcNode* node, const std::string& name) {
    if (node == nullptr || !ARV_IS_GC_FEATURE_NODE(node) || !IsFileName(name)) return;
    if (std::ranges::find(kNotForUsers, name) != std::end(kNotForUsers)) return;
    const auto type = TypeOf(node);
    GErrorSlot error;
    ArvGcFeatureNode* const feature = ARV_GC_FEATURE_NODE(node);
    if (!type || arv_gc_feature_node_get_visibility(feature) == ARV_GC_VISIBILITY_INVISIBLE ||
        arv_gc_feature_node_is_implemented(feature, error) == FALSE) {
      return;
    }
    const auto [added, is_new] = features_.try_emplace(name, node, *type);
    if (is_new) names_.push_back({name, added->second.writable()});
  }

  [[nodiscard]] const Feature& Find(const std::string& name) const {
    const auto found = features_.find(name);
    if (found == features_.end()) throw Error(ENOENT, name + ": the camera has no such feature");
    return found->second;
  }

  const std::shared_ptr<AravisCamera> camera_;
  std::vector<Name> names_;
  std::map<std::string, Feature> features_;
};

}  // namespace

std::shared_ptr<Controls> MakeAravisControls(std::shared_ptr<AravisCamera> camera) {
  return std::make_shared<AravisControls>(std::move(camera));
}

}  // namespace grabfs
