// SPDX-License-Identifier: Apache-2.0
#include "cli/base/text_only.h"

#include <gtest/gtest.h>

#include <sstream>

namespace grabfs::cli {
namespace {

TEST(TextOnly, LinesGoThroughAndWhatATerminalObeysDoesNot) {
  std::ostringstream terminal;
  TextOnly text_only(terminal);
  std::ostream out(&text_only);
  out << "plain\n\x1b[2Jcle" << 'a' << "r\xc2";
  EXPECT_EQ(terminal.str(), "plain\n");
  out << "\x9b" << std::flush;
  EXPECT_EQ(terminal.str(), "plain\n?[2Jclear?");
  EXPECT_TRUE(out.good());
}

TEST(TextOnly, AFailureOfTheTerminalIsOurs) {
  std::ostringstream terminal;
  terminal.setstate(std::ios::badbit);
  TextOnly text_only(terminal);
  std::ostream out(&text_only);
  EXPECT_FALSE(out << "x\n" << std::flush);
}

}  // namespace
}  // namespace grabfs::cli
