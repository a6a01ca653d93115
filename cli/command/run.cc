// SPDX-License-Identifier: Apache-2.0
#include "cli/command/run.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <ostream>
#include <sstream>

#include "cli/base/text.h"
#include "cli/command/complete.h"
#include "cli/command/verb_parser.h"
#include "fusefs/base/version.h"
#include "fusefs/command/help.h"

namespace grabfs::cli {
namespace {

constexpr const char* kProgram = "grabfs-cli";

// The column in which the overview describes a verb.
constexpr size_t kVerbColumn = 12;

bool IsVersion(const std::string& arg) { return arg == "-V" || arg == "--version"; }
bool IsHelp(const std::string& arg) { return arg == "-h" || arg == "--help" || arg == "help"; }

ExitCode RunVerb(const VerbEntry& entry, const std::vector<std::string>& args, Context& context) {
  const std::unique_ptr<Verb> verb = entry.make();
  VerbParser parser(entry, *verb);
  try {
    parser.Parse(args);
  } catch (const CLI::CallForHelp&) {
    context.out << parser.Help();
    return ExitCode::kDone;
  } catch (const CLI::ParseError& error) {
    throw UsageError(std::string(entry.name) + ": " + error.what() + "; see 'grabfs-cli " +
                     std::string(entry.name) + " --help'");
  }
  context.quiet = parser.quiet();
  return verb->Run(context);
}

// How many words an option takes that may stand before the verb; 0: it is none.
size_t WordsBeforeVerb(const std::string& word) {
  if (word == "--mount") return 2;
  return word == "-q" || word == "--quiet" || word.starts_with("--mount=") ? 1 : 0;
}

// `grabfs-cli --quiet --mount DIR list` is `grabfs-cli list --quiet --mount DIR`.
std::vector<std::string> VerbFirst(std::vector<std::string> args) {
  size_t before = 0;
  while (before < args.size() && WordsBeforeVerb(args[before]) > 0) {
    before += WordsBeforeVerb(args[before]);
  }
  if (before < args.size()) {
    const auto verb = args.begin() + static_cast<std::ptrdiff_t>(before);
    std::rotate(args.begin(), verb, verb + 1);
  }
  return args;
}

ExitCode Dispatch(const std::vector<std::string>& args, Context& context) {
  if (args.empty()) {
    context.err << OverviewHelp();
    return ExitCode::kUsage;
  }
  if (IsVersion(args.front())) {
    context.out << VersionLine(kProgram);
    return ExitCode::kDone;
  }
  if (args.front() == kCompleteOption) {
    PrintInTime(context.out, [&] { return CompleteCli({args.begin() + 1, args.end()}, context); });
    return ExitCode::kDone;
  }
  if (!IsHelp(args.front())) {
    return RunVerb(FindVerb(args.front()), {args.begin() + 1, args.end()}, context);
  }
  context.out << (args.size() > 1 ? VerbHelp(FindVerb(args[1])) : OverviewHelp());
  return ExitCode::kDone;
}

ExitCode Fail(Context& context, const std::string& message, ExitCode code) {
  context.out.flush();
  context.Warn(message);
  return code;
}

std::string Explained(const Error& error) {
  const std::string gone = " (its daemon is gone: 'grabfs-cli umount --stale' clears the mount)";
  return error.what() + (DaemonIsGone(error) ? gone : "");
}

}  // namespace

ExitCode Run(const std::vector<std::string>& args, Context& context) {
  try {
    const ExitCode code = Dispatch(VerbFirst(args), context);
    if (context.out.flush()) return code;
    return Fail(context, "cannot write to standard output", ExitCode::kFailed);
  } catch (const Error& error) {
    return Fail(context, Explained(error), ExitCodeOf(error));
  } catch (const std::exception& error) {
    return Fail(context, error.what(), ExitCode::kFailed);
  }
}

std::string OverviewHelp() {
  std::ostringstream text;
  text << "grabfs-cli looks at and drives a grabfs mount.\n"
          "Usage: grabfs-cli VERB [OPTIONS] [ARGUMENTS]\n\nVerbs:\n";
  for (const VerbEntry* entry : Verbs()) {
    text << HelpEntry(entry->name, kVerbColumn) << entry->summary << '\n';
  }
  text << "\n'grabfs-cli VERB --help' tells more about one, with examples.\n\n"
          "Exit status: 0 done, 1 failed, 2 usage, 3 no such device or mount, 4 time-out,\n"
          "5 frames were lost, and --no-drop or --lossless was asked.\n";
  return text.str();
}

std::string VerbHelp(const VerbEntry& entry) {
  const std::unique_ptr<Verb> verb = entry.make();
  return VerbParser(entry, *verb).Help();
}

}  // namespace grabfs::cli
