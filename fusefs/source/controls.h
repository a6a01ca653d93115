// SPDX-License-Identifier: Apache-2.0
//
// The controls of a device: brightness, exposure, the input ... Each has a name that is a valid
// file name, a value as text, and a description. A control accepts the text that it prints.
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
  // The list never changes.
  [[nodiscard]] virtual const std::vector<Name>& names() const = 0;
  // The present value, asked of the device; empty if it cannot be read (a button). Throws Error.
  [[nodiscard]] virtual std::string Read(const std::string& name) = 0;
  // Its type and its possible values: lines "KEY VALUE". Throws Error.
  [[nodiscard]] virtual std::string Describe(const std::string& name) = 0;
  // Throws Error: EINVAL for text that is no value of it, EACCES, EBUSY, ...
  virtual void Write(const std::string& name, std::string_view value) = 0;

 protected:
  Controls() = default;
};

}  // namespace grabfs
