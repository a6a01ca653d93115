// SPDX-License-Identifier: Apache-2.0
#include "fusefs/capture/event_line.h"

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

namespace grabfs {
namespace {

constexpr size_t kUsualLength = 192;

void AppendKey(std::string& line, std::string_view key) {
  line += line.empty() ? "{\"" : ",\"";
  line += key;
  line += "\":";
}

void AppendNumber(std::string& line, uint64_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  line.append(digits.data(), end);
}

bool IsPlain(std::string_view text) {
  for (const char c : text) {
    if (c < ' ' || c > '~' || c == '"' || c == '\\') return false;
  }
  return true;
}

void AppendText(std::string& line, std::string_view text) {
  if (!IsPlain(text)) {
    line += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return;
  }
  line += '"';
  line += text;
  line += '"';
}

void AppendField(std::string& line, const EventField& field) {
  AppendKey(line, field.key);
  if (const auto* number = std::get_if<uint64_t>(&field.value)) {
    AppendNumber(line, *number);
  } else {
    AppendText(line, std::get<std::string_view>(field.value));
  }
}

}  // namespace

std::string EventLine(std::string_view kind, std::string_view device, EventFields fields) {
  std::string line;
  line.reserve(kUsualLength);
  AppendField(line, {"event", kind});
  AppendField(line, {"device", device});
  for (const EventField& field : fields) AppendField(line, field);
  line += "}\n";
  return line;
}

}  // namespace grabfs
