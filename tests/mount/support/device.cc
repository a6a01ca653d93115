// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/support/device.h"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "fusefs/base/error.h"
#include "tests/mount/support/file.h"
#include "tests/mount/support/wait.h"

namespace grabfs::mount_test {
namespace {

std::string Numbered(const char* pattern, unsigned long long number) {
  std::string text(32, '\0');
  text.resize(static_cast<size_t>(std::snprintf(text.data(), text.size(), pattern, number)));
  return text;
}

}  // namespace

std::string Device::Frame(uint64_t sequence) const {
  return Path("frames/" + Numbered("%08llu.raw", sequence));
}

std::string Device::Buffer(unsigned index) const {
  return Path("buffers/" + Numbered("%03llu.raw", index));
}

std::string Device::Get(const std::string& attribute) const {
  std::string text = ReadText(Path(attribute));
  if (text.empty() || text.back() != '\n') {
    throw std::runtime_error(attribute + " does not end in a newline: '" + text + "'");
  }
  text.pop_back();
  return text;
}

int Device::TrySet(const std::string& attribute, std::string_view value) const {
  return WriteText(Path(attribute), std::string(value) + "\n");
}

void Device::Set(const std::string& attribute, std::string_view value) const {
  const int error = TrySet(attribute, value);
  if (error == 0) return;
  throw Error(error, Path(attribute) + ": " + ErrnoText(error) + " (" + LastError() + ")");
}

nlohmann::json Device::Status() const {
  return nlohmann::json::parse(ReadText(Path("status.json")));
}

std::string Device::LastError() const { return Status().at("last_error"); }

uint64_t Device::NextSequence() const { return Status().at("sequence").at("next"); }

std::vector<uint64_t> Device::Frames() const {
  std::vector<uint64_t> sequences;
  for (const std::string& name : List(Path("frames"))) sequences.push_back(std::stoull(name));
  std::sort(sequences.begin(), sequences.end());
  return sequences;
}

uint64_t Device::Capture(unsigned count) const {
  const uint64_t end = NextSequence() + count;
  Set("trigger", std::to_string(count));
  if (!WaitUntil([&] { return NextSequence() >= end; })) {
    throw std::runtime_error("triggered frames do not come: " + Status().dump());
  }
  return end - 1;
}

void Device::Stop() const {
  Set("state", "stop");
  if (!WaitUntil([this] { return Get("state") == "stopped"; })) {
    throw std::runtime_error("the device does not stop: " + Status().dump());
  }
}

bool Device::IsRecycled(uint64_t sequence) const {
  return WaitUntil([&] {
    Capture(1);
    return !Exists(Frame(sequence));
  });
}

}  // namespace grabfs::mount_test
