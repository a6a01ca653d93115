// SPDX-License-Identifier: Apache-2.0
#include "cli/command/verb_parser.h"

#include <algorithm>
#include <sstream>

#include "cli/base/text.h"
#include "fusefs/command/help.h"

namespace grabfs::cli {
namespace {

std::string Examples(const VerbEntry& entry) {
  std::istringstream lines{std::string(entry.examples)};
  std::string text = "Examples:";
  for (std::string line; std::getline(lines, line);) text += "\n  " + line;
  return text;
}

}  // namespace

VerbParser::VerbParser(const VerbEntry& entry, Verb& verb)
    : app_(std::string(entry.summary), "grabfs-cli " + std::string(entry.name)) {
  app_.set_help_flag("-h,--help", "Print this help and exit");
  app_.footer(Examples(entry));
  Options options(app_);
  verb.Declare(options);
  options.Flag("-q,--quiet", quiet_, "No messages but errors");
  command_ = options.command();
}

void VerbParser::Parse(std::vector<std::string> args) {
  const auto separator = std::ranges::find(args, "--");
  std::vector<std::string> command;
  if (command_ != nullptr && separator != args.end()) {
    command.assign(separator + 1, args.end());
    args.erase(separator, args.end());
  }
  std::reverse(args.begin(), args.end());  // as CLI11 wants them
  app_.parse(std::move(args));
  if (!command.empty()) *command_ = std::move(command);
}

std::string VerbParser::Help() const { return grabfs::Help(Describe()); }

Command VerbParser::Describe() const { return DescribeCommand(app_); }

const VerbEntry& FindVerb(const std::string& name) {
  for (const VerbEntry* entry : Verbs()) {
    if (entry->name == name) return *entry;
  }
  std::vector<std::string> names;
  for (const VerbEntry* entry : Verbs()) names.emplace_back(entry->name);
  throw UsageError(name + ": no such verb" + Hint(name, names) + " 'grabfs-cli --help' lists them");
}

}  // namespace grabfs::cli
