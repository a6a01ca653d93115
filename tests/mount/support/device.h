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
  // The errno of writing an attribute; 0: it was accepted.
  [[nodiscard]] int TrySet(const std::string& attribute, std::string_view value) const;
  // The same; throws Error with the device's reason.
  void Set(const std::string& attribute, std::string_view value) const;

  [[nodiscard]] nlohmann::json Status() const;
  [[nodiscard]] std::string LastError() const;
  [[nodiscard]] uint64_t NextSequence() const;
  // The names in frames/ as numbers, ascending.
  [[nodiscard]] std::vector<uint64_t> Frames() const;

  // Triggers `count` frames and waits until the last one was captured or dropped. Returns its
  // sequence number.
  uint64_t Capture(unsigned count) const;
  // Stops the device, and waits until it has stopped.
  void Stop() const;
  // Captures more frames until the buffer of this frame is recycled. False: that does not happen.
  [[nodiscard]] bool IsRecycled(uint64_t sequence) const;

 private:
  std::string directory_;
};

}  // namespace grabfs::mount_test
