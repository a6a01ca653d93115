// SPDX-License-Identifier: Apache-2.0
#include "cli/base/text_only.h"

#include <utility>

#include "cli/base/text.h"

namespace grabfs::cli {

TextOnly::~TextOnly() { TextOnly::sync(); }

TextOnly::int_type TextOnly::overflow(int_type character) {
  if (traits_type::eq_int_type(character, traits_type::eof())) {
    return traits_type::not_eof(character);
  }
  line_ += traits_type::to_char_type(character);
  if (line_.back() == '\n') {
    out_ << Printable(std::exchange(line_, {}));
  }
  return out_ ? character : traits_type::eof();
}

int TextOnly::sync() {
  out_ << Printable(std::exchange(line_, {})) << std::flush;
  return out_ ? 0 : -1;
}

}  // namespace grabfs::cli
