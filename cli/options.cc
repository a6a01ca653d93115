// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <CLI/CLI.hpp>

#include "cli/text.h"

namespace grabfs::cli {
namespace {

// What remains of a terminal's line beside the names of the options.
constexpr size_t kHelpWidth = 70;

// Reads the text of an option with `parse`; what that refuses is a mistake of the user.
template <typename T, typename Parse>
CLI::Option* AddParsed(CLI::App& app, const std::string& names, std::optional<T>& value,
                       const std::string& help, const std::string& expected, Parse parse) {
  return app.add_option_function<std::string>(
      names,
      [&value, names, expected, parse](const std::string& text) {
        value = parse(text);
        if (!value) throw CLI::ValidationError(names, "'" + text + "' is not " + expected);
      },
      Wrap(help, kHelpWidth));
}

}  // namespace

void Options::Flag(const std::string& names, bool& value, const std::string& help) {
  app_.add_flag(names, value, Wrap(help, kHelpWidth));
}

void Options::Text(const std::string& names, std::string& value, const std::string& placeholder,
                   const std::string& help) {
  app_.add_option(names, value, Wrap(help, kHelpWidth))->type_name(placeholder);
}

void Options::Count(const std::string& names, std::optional<uint64_t>& value,
                    const std::string& placeholder, const std::string& help) {
  AddParsed(app_, names, value, help, "a whole number", ParseCount)->type_name(placeholder);
}

void Options::Seconds(const std::string& names, std::optional<double>& value,
                      const std::string& help) {
  AddParsed(app_, names, value, help, "a number of seconds", ParseSeconds)->type_name("SECONDS");
}

void Options::Argument(const std::string& name, std::string& value, const std::string& help) {
  app_.add_option(name, value, Wrap(help, kHelpWidth))->type_name("");
}

void Options::Arguments(const std::string& name, std::vector<std::string>& values,
                        const std::string& help) {
  app_.add_option(name, values, Wrap(help, kHelpWidth))->type_name("");
}

void Options::PassOn(std::vector<std::string>& values) {
  app_.prefix_command();
  app_.final_callback([this_app = &app_, &values] { values = this_app->remaining(); });
}

}  // namespace grabfs::cli
