// SPDX-License-Identifier: Apache-2.0
//
// Declares the options and arguments of one verb. Only options.cc, verb_parser and run.cc use
// CLI11, and fusefs/command, which reads the declarations. Numbers are parsed here, so that
// "00000042" is 42 and never octal.
//
// Every function binds a variable that must outlive the parsing. The variable keeps its value when
// the option is not given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): not ours
class App;
class Option;
}  // namespace CLI

namespace grabfs::cli {

class Options {
 public:
  explicit Options(CLI::App& app) : app_(app) {}

  // `names`: "-n,--frames". `placeholder` stands for the value in the help.
  void Flag(const std::string& names, bool& value, const std::string& help);
  void Text(const std::string& names, std::string& value, const std::string& placeholder,
            const std::string& help);
  void Count(const std::string& names, std::optional<uint64_t>& value,
             const std::string& placeholder, const std::string& help);
  void Seconds(const std::string& names, std::optional<double>& value, const std::string& help);

  // Optional positional arguments; `name` is for the help.
  void Argument(const std::string& name, std::string& value, const std::string& help);
  void Arguments(const std::string& name, std::vector<std::string>& values,
                 const std::string& help);

  // Binds the words of a command, which may be behind "--".
  void Command(std::vector<std::string>& words, const std::string& help);
  // Where they are bound; nullptr: the verb takes no command.
  [[nodiscard]] std::vector<std::string>* command() const { return command_; }

  // Binds all words from the first argument that is not declared, unparsed.
  void PassOn(std::vector<std::string>& values);

 private:
  // CLI11's name for the next declared argument; users see its type name.
  [[nodiscard]] std::string NextArgument() const;

  CLI::App& app_;
  std::vector<std::string>* command_ = nullptr;
};

}  // namespace grabfs::cli
