// SPDX-License-Identifier: Apache-2.0
//
// Output to a terminal. Names, reasons and settings come from devices and from mounts of other
// users; what a terminal would obey in them is not handed on.
#pragma once

#include <ostream>
#include <streambuf>
#include <string>

namespace grabfs::cli {

// Writes lines to another stream, each as Printable() makes it.
class TextOnly : public std::streambuf {
 public:
  // `out` has to live as long.
  explicit TextOnly(std::ostream& out) : out_(out) {}
  TextOnly(const TextOnly&) = delete;
  TextOnly& operator=(const TextOnly&) = delete;
  ~TextOnly() override;

 protected:
  int_type overflow(int_type character) override;
  int sync() override;

 private:
  std::ostream& out_;
  std::string line_;  // what was written since the last sync() or end of a line
};

}  // namespace grabfs::cli
