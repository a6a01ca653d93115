// SPDX-License-Identifier: Apache-2.0
//
// One event as the line that readers of `events` get: a JSON object. A line is composed directly
// from numbers and text, without a tree of JSON values, because a frame's readers wait for it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace grabfs {

// A member of the object. Refers to its text: use it within one expression.
struct EventField {
  EventField(std::string_view field_key, uint64_t number) : key(field_key), value(number) {}
  EventField(std::string_view field_key, std::string_view text) : key(field_key), value(text) {}

  std::string_view key;  // plain: not escaped
  std::variant<uint64_t, std::string_view> value;
};

using EventFields = std::initializer_list<EventField>;

// {"event":kind,"device":device,...fields} and a newline. Text that is not UTF-8, because it quotes
// what a user wrote, gets replacement characters.
std::string EventLine(std::string_view kind, std::string_view device, EventFields fields);

}  // namespace grabfs
