// SPDX-License-Identifier: Apache-2.0
#include "fusefs/command/completion.h"

#include <algorithm>
#include <ostream>

namespace grabfs {
namespace {

bool IsOption(const std::string& word) { return word.size() > 1 && word.front() == '-'; }

const CommandOption* FindOption(const Command& command, std::string_view name) {
  for (const CommandOption& option : command.options) {
    if (std::find(option.names.begin(), option.names.end(), name) != option.names.end()) {
      return &option;
    }
  }
  return nullptr;
}

// What the words before the cursor say about the word at it.
struct Place {
  const CommandOption* option = nullptr;  // its value is due
  size_t argument = 0;                    // else an option, or the argument of this number
  bool only_arguments = false;            // behind "--"
};

Place FindPlace(const Command& command, std::span<const std::string> words) {
  Place place;
  for (const std::string& word : words) {
    if (place.option != nullptr) {
      place.option = nullptr;
    } else if (place.only_arguments || !IsOption(word)) {
      ++place.argument;
    } else if (word == "--") {
      place.only_arguments = true;
    } else if (const CommandOption* option = FindOption(command, word)) {
      place.option = option->value.empty() ? nullptr : option;
    }
  }
  return place;
}

// One name of each option: the long one, because it says more.
Candidates OptionNames(const Command& command) {
  Candidates candidates;
  for (const CommandOption& option : command.options) {
    candidates.push_back({option.names.front(), option.help});
  }
  return candidates;
}

// "--mount=/mn": candidates for the value, with the name before each.
Candidates JoinedValues(const Command& command, const std::string& word, size_t equals,
                        const Values& values) {
  const CommandOption* option = FindOption(command, word.substr(0, equals));
  if (option == nullptr || option->value.empty()) return {};
  Candidates candidates = values(option->value, word.substr(equals + 1));
  for (Candidate& candidate : candidates) candidate.text.insert(0, word, 0, equals + 1);
  return candidates;
}

Candidates ArgumentValues(const Command& command, size_t place, const std::string& word,
                          const Values& values) {
  const auto& arguments = command.arguments;
  if (place < arguments.size()) return values(arguments[place].name, word);
  if (arguments.empty() || !arguments.back().many) return {};
  return values(arguments.back().name, word);
}

Candidates AllFor(const Command& command, const Place& place, const std::string& word,
                  const Values& values) {
  if (place.option != nullptr) return values(place.option->value, word);
  if (!place.only_arguments && word.starts_with('-')) {
    const size_t equals = word.find('=');
    return equals == std::string::npos ? OptionNames(command)
                                       : JoinedValues(command, word, equals, values);
  }
  return ArgumentValues(command, place.argument, word, values);
}

}  // namespace

Candidates Complete(const Command& command, std::span<const std::string> words,
                    const Values& values) {
  if (words.empty()) return {};
  const std::string& word = words.back();
  const Place place = FindPlace(command, words.first(words.size() - 1));
  return StartingWith(word, AllFor(command, place, word, values));
}

std::string OptionValue(std::span<const std::string> words, std::string_view name) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == name && i + 1 < words.size()) return words[i + 1];
    if (words[i].starts_with(name) && words[i].substr(name.size()).starts_with('=')) {
      return words[i].substr(name.size() + 1);
    }
  }
  return "";
}

Candidates StartingWith(const std::string& word, Candidates candidates) {
  std::erase_if(candidates,
                [&](const Candidate& candidate) { return !candidate.text.starts_with(word); });
  return candidates;
}

void Print(std::ostream& out, const Candidates& candidates) {
  for (const Candidate& candidate : candidates) {
    out << candidate.text << '\t' << candidate.help << '\n';
  }
}

}  // namespace grabfs
