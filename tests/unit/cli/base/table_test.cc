// SPDX-License-Identifier: Apache-2.0
#include "cli/base/table.h"

#include <gtest/gtest.h>

#include <sstream>

namespace grabfs::cli {
namespace {

TEST(Table, AlignsColumnsAndLeavesNoTrailingBlanks) {
  Table table({{"NAME"}, {"N", Table::Align::kRight}, {"TEXT"}});
  table.AddRow({"a", "1", "x"});
  table.AddRow({"longer", "1000", ""});
  std::ostringstream out;
  table.Print(out);
  EXPECT_EQ(out.str(),
            "NAME       N  TEXT\n"
            "a          1  x\n"
            "longer  1000\n");
}

TEST(Table, TitlesComeOnceWhenItIsPrintedBitByBit) {
  Table table({{"A"}});
  std::ostringstream out;
  table.AddRow({"1"});
  table.Print(out);
  table.AddRow({"2"});
  table.Print(out);
  EXPECT_EQ(out.str(), "A\n1\n2\n");
}

}  // namespace
}  // namespace grabfs::cli
