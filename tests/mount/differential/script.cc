// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/differential/script.h"

#include <charconv>
#include <sstream>
#include <stdexcept>

namespace grabfs::differential {
namespace {

constexpr std::string_view kFork = "fork";

uint64_t ParseNumber(std::string_view word) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.begin(), word.end(), value);
  if (error != std::errc() || end != word.end()) {
    throw std::invalid_argument("'" + std::string(word) + "' is no number");
  }
  return value;
}

void ParseArgument(Operation& operation, const std::string& word) {
  const size_t equals = word.find('=');
  const std::string_view name = std::string_view(word).substr(0, equals);
  const std::vector<Parameter>& parameters = operation.verb->parameters;
  for (size_t i = 0; i < parameters.size() && equals != std::string::npos; i++) {
    if (parameters[i].name != name) continue;
    operation.arguments[i] =
        ParseValue(*parameters[i].domain, std::string_view(word).substr(equals + 1));
    return;
  }
  throw std::invalid_argument(std::string(operation.verb->name) + " takes no '" + word + "'");
}

Operation ParseOperation(unsigned actor, std::istringstream& words) {
  Operation operation;
  operation.actor = actor;
  std::string word;
  words >> word;
  operation.forked = word == kFork;
  if (operation.forked) words >> word;
  operation.verb = FindVerb(word);
  if (!operation.verb) throw std::invalid_argument("no operation '" + word + "'");
  while (words >> word) ParseArgument(operation, word);
  return operation;
}

void ParseLine(Script& script, const std::string& line) {
  std::istringstream words(line.substr(0, line.find('#')));
  std::string first;
  std::string second;
  if (!(words >> first)) return;
  if (first == "size" || first == "fill") {
    words >> second;
    (first == "size" ? script.file_bytes : script.fill_seed) = ParseNumber(second);
    return;
  }
  const uint64_t actor = ParseNumber(first);
  if (actor >= kActors) throw std::invalid_argument("no actor " + first);
  script.operations.push_back(ParseOperation(static_cast<unsigned>(actor), words));
}

}  // namespace

std::string Print(const Operation& operation) {
  std::string text = std::to_string(operation.actor) + " ";
  if (operation.forked) text += std::string(kFork) + " ";
  text += operation.verb->name;
  for (size_t i = 0; i < operation.verb->parameters.size(); i++) {
    const Parameter& parameter = operation.verb->parameters[i];
    text += " " + std::string(parameter.name) + "=" +
            PrintValue(*parameter.domain, operation.arguments[i]);
  }
  return text;
}

std::string Print(const Script& script) {
  std::string text = "size " + std::to_string(script.file_bytes) + "\nfill " +
                     std::to_string(script.fill_seed) + "\n";
  for (const Operation& operation : script.operations) text += Print(operation) + "\n";
  return text;
}

Script ParseScript(std::string_view text) {
  Script script;
  std::istringstream lines{std::string(text)};
  std::string line;
  for (unsigned number = 1; std::getline(lines, line); number++) {
    try {
      ParseLine(script, line);
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument("line " + std::to_string(number) + ": " + error.what());
    }
  }
  if (script.file_bytes == 0) throw std::invalid_argument("no 'size' line");
  return script;
}

}  // namespace grabfs::differential
