// SPDX-License-Identifier: Apache-2.0
//
// Prints one event as readers of `events` get it: a JSON object on one line. It prints numbers and
// text directly, without a JSON library, because readers of a frame wait for this.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace grabfs {

// A member of the object. It refers to the caller's text: use it within one expression.
struct EventField {
  EventField(std::string_view field_key, uint64_t number) : key(field_key), value(number) {}
  EventField(std::string_view field_key, std::string_view text) : key(field_key), value(text) {}

  std::string_view key;  // plain: not escaped
  std::variant<uint64_t, std::string_view> value;
};

using EventFields = std::initializer_list<EventField>;

// {"event":kind,"device":device,...fields} and a newline. Bytes that are not UTF-8, in text that
// quotes a user, become replacement characters.
std::string EventLine(std::string_view kind, std::string_view device, EventFields fields);

}  // namespace grabfs
