// SPDX-License-Identifier: Apache-2.0
#include "fusefs/command/help.h"

#include <algorithm>
#include <sstream>

namespace grabfs {
namespace {

// Where explanations begin, and how wide they are.
constexpr size_t kColumn = 26;
constexpr size_t kWidth = 70;

std::string Explained(std::string_view name, std::string_view help) {
  std::istringstream lines(Wrap(help, kWidth));
  std::string text = HelpEntry(name, kColumn);
  // A name that reaches into the column of explanations has a line of its own.
  bool begun = text.size() <= kColumn;
  if (!begun) text.back() = '\n';
  for (std::string line; std::getline(lines, line);) {
    text += (begun ? "" : std::string(kColumn, ' ')) + line + "\n";
    begun = false;
  }
  return text;
}

// "-n,--frames N": the short name first.
std::string Spelling(const CommandOption& option) {
  std::string names;
  for (const std::string& name : option.names) {
    const bool is_short = !name.starts_with("--");
    if (names.empty()) {
      names = name;
    } else {
      names = is_short ? name + "," + names : names + "," + name;
    }
  }
  return option.value.empty() ? names : names + " " + option.value;
}

std::string Usage(const Command& command) {
  std::string text = "Usage: " + command.program + " [OPTIONS]";
  for (const CommandArgument& argument : command.arguments) {
    text += " [" + argument.name + (argument.many ? "..." : "") + "]";
  }
  return text + "\n";
}

}  // namespace

std::string Help(const Command& command) {
  std::string text = command.description + "\n" + Usage(command);
  if (!command.arguments.empty()) text += "\nPositionals:\n";
  for (const CommandArgument& argument : command.arguments) {
    text += Explained(argument.name + (argument.many ? " ..." : ""), argument.help);
  }
  if (!command.options.empty()) text += "\nOptions:\n";
  for (const CommandOption& option : command.options) {
    text += Explained(Spelling(option), option.help);
  }
  if (!command.footer.empty()) text += "\n" + command.footer + "\n";
  return text;
}

std::string HelpEntry(std::string_view name, size_t column) {
  std::string text = "  " + std::string(name);
  text.resize(std::max(column, text.size() + 1), ' ');
  return text;
}

std::string Wrap(std::string_view text, size_t width) {
  std::istringstream words{std::string(text)};
  std::string wrapped;
  size_t column = 0;
  for (std::string word; words >> word;) {
    const bool fits = column + 1 + word.size() <= width;
    if (column > 0) wrapped += fits ? ' ' : '\n';
    column = column > 0 && fits ? column + 1 + word.size() : word.size();
    wrapped += word;
  }
  return wrapped;
}

}  // namespace grabfs
