// SPDX-License-Identifier: Apache-2.0
//
// Aligned columns for people. Scripts use --json.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace grabfs::cli {

class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns);

  // One cell for each column.
  void AddRow(std::vector<std::string> cells);

  // Prints the rows added since the last call, the titles only the first time. Columns never
  // become narrower, so that a table that is printed bit by bit stays aligned.
  void Print(std::ostream& out);

 private:
  void PrintRow(std::ostream& out, const std::vector<std::string>& cells) const;

  std::vector<Column> columns_;
  std::vector<size_t> widths_;
  std::vector<std::vector<std::string>> rows_;
  bool titles_printed_ = false;
};

}  // namespace grabfs::cli
