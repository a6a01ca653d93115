// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/attributes.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

namespace grabfs {
namespace {

constexpr size_t kMaxText = 256;

uint64_t ParseNumber(std::string_view name, std::string_view text, uint64_t max) {
  uint64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size() || value > max) {
    throw Error(EINVAL, std::string(name) + ": '" + std::string(text) +
                            "' is not a whole number from 0 to " + std::to_string(max));
  }
  return value;
}

uint32_t ParseNumber32(std::string_view name, std::string_view text) {
  return static_cast<uint32_t>(ParseNumber(name, text, UINT32_MAX));
}

void WriteFormat(Device& device, std::string_view text, Device::Done done) {
  // Any fourcc: the source decides which it has.
  const auto fourcc = ParseFourcc(text);
  if (!fourcc) {
    throw Error(EINVAL,
                "format: '" + std::string(text) + "' is unknown: use one of " + PixelFormatNames());
  }
  device.SetFormat({.fourcc = fourcc, .width = {}, .height = {}}, std::move(done));
}

void WriteWidth(Device& device, std::string_view text, Device::Done done) {
  device.SetFormat({.fourcc = {}, .width = ParseNumber32("width", text), .height = {}},
                   std::move(done));
}

void WriteHeight(Device& device, std::string_view text, Device::Done done) {
  device.SetFormat({.fourcc = {}, .width = {}, .height = ParseNumber32("height", text)},
                   std::move(done));
}

void WritePolicy(Device& device, std::string_view text, Device::Done done) {
  device.SetPolicy(ParsePolicy(text), std::move(done));
}

void WriteState(Device& device, std::string_view text, Device::Done done) {
  if (text == "start" || text == CaptureStateName(CaptureState::kStreaming)) {
    device.Start(std::move(done));
  } else if (text == "stop" || text == CaptureStateName(CaptureState::kStopped)) {
    device.Stop(std::move(done));
  } else {
    throw Error(EINVAL, "state: '" + std::string(text) + "' is neither start nor stop");
  }
}

// In alphabetical order, as ls shows them.
constexpr Attribute kAttributes[] = {
    {"announce", 0644,
     [](const Device&, const DeviceState& state) { return std::to_string(state.announce ? 1 : 0); },
     [](Device& device, std::string_view text, Device::Done done) {
       device.SetAnnounce(ParseNumber("announce", text, 1) == 1, std::move(done));
     }},
    {"buffers_count", 0644,
     [](const Device&, const DeviceState& state) { return std::to_string(state.buffers); },
     [](Device& device, std::string_view text, Device::Done done) {
       device.SetBuffers(ParseNumber32("buffers_count", text), std::move(done));
     }},
    {"bytes", 0444,
     [](const Device&, const DeviceState& state) { return std::to_string(state.format.bytes); },
     nullptr},
    {"direction", 0444,
     [](const Device& device, const DeviceState&) {
       return std::string(device.output() ? "output" : "capture");
     },
     nullptr},
    {"format", 0644, [](const Device&, const DeviceState& state) { return state.format.name(); },
     WriteFormat},
    {"height", 0644,
     [](const Device&, const DeviceState& state) { return std::to_string(state.format.height); },
     WriteHeight},
    {"policy", 0644,
     [](const Device&, const DeviceState& state) { return std::string(PolicyName(state.policy)); },
     WritePolicy},
    {"rate", 0644, [](const Device&, const DeviceState& state) { return state.rate.ToString(); },
     [](Device& device, std::string_view text, Device::Done done) {
       device.SetRate(Rate::Parse(text), std::move(done));
     }},
    {"source", 0444,
     [](const Device& device, const DeviceState&) { return device.source_description(); }, nullptr},
    {"state", 0644,
     [](const Device&, const DeviceState& state) {
       return std::string(CaptureStateName(state.state));
     },
     WriteState},
    {"stride", 0444,
     [](const Device&, const DeviceState& state) { return std::to_string(state.format.stride); },
     nullptr},
    {"trigger", 0644,
     [](const Device&, const DeviceState& state) { return std::to_string(state.trigger); },
     [](Device& device, std::string_view text, Device::Done done) {
       device.Trigger(ParseNumber("trigger", text, INT64_MAX), std::move(done));
     }},
    {"width", 0644,
     [](const Device&, const DeviceState& state) { return std::to_string(state.format.width); },
     WriteWidth},
    {"writeback_ms", 0644,
     [](const Device&, const DeviceState& state) { return std::to_string(state.writeback_ms); },
     [](Device& device, std::string_view text, Device::Done done) {
       device.SetWriteback(ParseNumber32("writeback_ms", text), std::move(done));
     }},
};

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// Throws Error(EINVAL) unless the value is short, printable text, which messages may quote.
void RequireReadable(std::string_view name, std::string_view text) {
  if (text.empty()) throw Error(EINVAL, std::string(name) + ": no value given");
  if (text.size() > kMaxText) {
    throw Error(EINVAL, std::string(name) + ": a value of " + std::to_string(text.size()) +
                            " bytes is too long: at most " + std::to_string(kMaxText));
  }
  if (!std::ranges::all_of(text, [](unsigned char c) { return c >= ' ' && c < 0x7f; })) {
    throw Error(EINVAL, std::string(name) + ": the value is not printable text");
  }
}

}  // namespace

std::span<const Attribute> Attributes() { return kAttributes; }

const Attribute* FindAttribute(std::string_view name) {
  const auto* const it = std::ranges::find(kAttributes, name, &Attribute::name);
  return it == std::end(kAttributes) ? nullptr : it;
}

std::string PrintAttribute(const Attribute& attribute, const Device& device) {
  return attribute.print(device, device.state()) + "\n";
}

void WriteAttribute(const Attribute& attribute, Device& device, std::string_view text,
                    Device::Done done) {
  try {
    const std::string_view value = Trim(text);
    RequireReadable(attribute.name, value);
    attribute.write(device, value, done);
  } catch (const Error& error) {
    device.Reject(error, std::move(done));
  }
}

}  // namespace grabfs
