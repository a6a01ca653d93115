// SPDX-License-Identifier: Apache-2.0
//
// One device directory of a mount, as a script sees it: paths, attributes, captures.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace grabfs::mount_test {

class Device {
 public:
  explicit Device(std::string directory) : directory_(std::move(directory)) {}

  [[nodiscard]] std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  [[nodiscard]] std::string Frame(uint64_t sequence) const;
  [[nodiscard]] std::string Buffer(unsigned index) const;
  [[nodiscard]] std::string latest() const { return Path("latest.raw"); }

  // An attribute without its newline.
  [[nodiscard]] std::string Get(const std::string& attribute) const;
  // errno of writing it: 0 when it was accepted.
  [[nodiscard]] int TrySet(const std::string& attribute, std::string_view value) const;
  // Throws Error with the device's own reason when it was not.
  void Set(const std::string& attribute, std::string_view value) const;

  [[nodiscard]] nlohmann::json Status() const;
  [[nodiscard]] std::string LastError() const;
  [[nodiscard]] uint64_t NextSequence() const;
  // The names in frames/ as numbers, ascending.
  [[nodiscard]] std::vector<uint64_t> Frames() const;

  // Triggers `count` frames and waits until the last one is over, whether it was taken or dropped.
  // Returns the sequence number of the last one.
  uint64_t Capture(unsigned count) const;
  // Stops and waits for it.
  void Stop() const;
  // Has the buffer of this frame been recycled? Captures further frames until it has; false when
  // that does not happen.
  [[nodiscard]] bool IsRecycled(uint64_t sequence) const;

 private:
  std::string directory_;
};

}  // namespace grabfs::mount_test
