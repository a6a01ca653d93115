// SPDX-License-Identifier: Apache-2.0
#include "cli/command/options.h"

#include <CLI/CLI.hpp>

#include "cli/base/text.h"

namespace grabfs::cli {
namespace {

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
      help);
}

}  // namespace

void Options::Flag(const std::string& names, bool& value, const std::string& help) {
  app_.add_flag(names, value, help);
}

void Options::Text(const std::string& names, std::string& value, const std::string& placeholder,
                   const std::string& help) {
  app_.add_option(names, value, help)->type_name(placeholder);
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
  app_.add_option(NextArgument(), value, help)->type_name(name);
}

void Options::Arguments(const std::string& name, std::vector<std::string>& values,
                        const std::string& help) {
  app_.add_option(NextArgument(), values, help)->type_name(name);
}

std::string Options::NextArgument() const {
  return "argument" + std::to_string(app_.get_options().size());
}

void Options::Command(std::vector<std::string>& words, const std::string& help) {
  Arguments("COMMAND", words, help);
  command_ = &words;
}

void Options::PassOn(std::vector<std::string>& values) {
  app_.prefix_command();
  app_.final_callback([this_app = &app_, &values] { values = this_app->remaining(); });
}

}  // namespace grabfs::cli
