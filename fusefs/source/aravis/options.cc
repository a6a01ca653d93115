// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/aravis/options.h"

#include <cerrno>
#include <charconv>
#include <string>

#include "fusefs/base/error.h"
#include "fusefs/source/options.h"

namespace grabfs {
namespace {

std::optional<int> TakeInteger(SourceSpec& spec, const std::string& key, int minimum, int maximum) {
  const auto text = TakeOption(spec, key);
  if (!text) return std::nullopt;
  int number = 0;
  const char* const end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || stop != end || number < minimum || number > maximum) {
    throw Error(EINVAL, key + "=" + *text + ": must be a number from " + std::to_string(minimum) +
                            " to " + std::to_string(maximum));
  }
  return number;
}

// One of two words.
bool TakeChoice(SourceSpec& spec, const std::string& key, const char* yes, const char* no) {
  const auto text = TakeOption(spec, key);
  if (!text || *text == yes) return true;
  if (*text == no) return false;
  throw Error(EINVAL, key + "=" + *text + ": use " + yes + " or " + no);
}

}  // namespace

AravisOptions TakeAravisOptions(SourceSpec& spec) {
  AravisOptions options;
  options.packet_size = TakeInteger(spec, "packet_size", 576, 16384);
  options.resend = TakeChoice(spec, "resend", "on", "off");
  options.socket_buffer = TakeInteger(spec, "socket_buffer", 4096, 1 << 30);
  if (const auto ms = TakeInteger(spec, "packet_timeout_ms", 1, 10000)) {
    options.packet_timeout_ms = static_cast<uint32_t>(*ms);
  }
  if (const auto ms = TakeInteger(spec, "frame_retention_ms", 1, 60000)) {
    options.frame_retention_ms = static_cast<uint32_t>(*ms);
  }
  options.packet_socket = TakeChoice(spec, "packet_socket", "on", "off");
  options.software_trigger = TakeChoice(spec, "trigger", "software", "camera");
  options.realtime = TakeInteger(spec, "realtime", 1, 99);
  options.nice = TakeInteger(spec, "nice", -20, 19);
  return options;
}

}  // namespace grabfs
