// SPDX-License-Identifier: Apache-2.0
//
// What the fuzz targets share: how a broken promise ends a run, and inputs made of lines.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fusefs/base/error.h"

// The entry point of every target, as libFuzzer calls it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace grabfs::fuzz {

// A promise that no input may break; libFuzzer keeps the input that does.
inline void Require(bool promise) {
  if (!promise) std::abort();
}

// Runs `action`. An Error must have one of these codes and say why. True when there was none.
template <typename Action>
bool AcceptOrRefuse(Action action, std::initializer_list<int> codes = {EINVAL}) {
  try {
    std::move(action)();
    return true;
  } catch (const Error& error) {
    bool expected = false;
    for (const int code : codes) expected |= error.code() == code;
    if (!expected) std::fprintf(stderr, "unexpected error %d: %s\n", error.code(), error.what());
    Require(expected && error.what()[0] != '\0');
    return false;
  }
}

inline std::string_view TextOf(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Cuts `rest` at the first `separator` and returns what stands before it.
inline std::string_view TakeUntil(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

// The lines of `text`, without their ends, at most `limit` of them.
inline std::vector<std::string> Lines(std::string_view text, size_t limit) {
  std::vector<std::string> lines;
  while (!text.empty() && lines.size() < limit) lines.emplace_back(TakeUntil(text, '\n'));
  return lines;
}

}  // namespace grabfs::fuzz
