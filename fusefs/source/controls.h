// SPDX-License-Identifier: Apache-2.0
//
// What can be turned on a device: brightness, exposure, the input. Each has a name that can be a
// file's, a value as text, and a description. What a control reads, it accepts.
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace grabfs {

class Controls {
 public:
  virtual ~Controls() = default;
  Controls(const Controls&) = delete;
  Controls& operator=(const Controls&) = delete;

  struct Name {
    std::string name;
    bool writable;
  };
  // Always the same.
  [[nodiscard]] virtual const std::vector<Name>& names() const = 0;
  // The value now; empty when it cannot be read (a button). Asks the device. Throws Error.
  [[nodiscard]] virtual std::string Read(const std::string& name) = 0;
  // What it is and which values there are: lines "KEY VALUE". Throws Error.
  [[nodiscard]] virtual std::string Describe(const std::string& name) = 0;
  // Throws Error: EINVAL for what is no value of it, EACCES, EBUSY, ...
  virtual void Write(const std::string& name, std::string_view value) = 0;

 protected:
  Controls() = default;
};

}  // namespace grabfs
