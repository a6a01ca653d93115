// SPDX-License-Identifier: Apache-2.0
//
// A verb of grabfs-cli: `list`, `capture`, `save` and so on. Each has a file of its own in verbs/,
// which defines one VerbEntry. To add a verb, write its file and add its entry to verbs.cc.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "cli/base/context.h"
#include "cli/base/exit_code.h"
#include "cli/command/options.h"

namespace grabfs::cli {

// Exists for one invocation: Declare() binds members to options, then the command line is parsed
// into them, then Run() is called once.
class Verb {
 public:
  virtual ~Verb() = default;
  Verb(const Verb&) = delete;
  Verb& operator=(const Verb&) = delete;

  virtual void Declare(Options& options) = 0;
  // Throws Error, which becomes an exit status (exit_code.h).
  virtual ExitCode Run(Context& context) = 0;

 protected:
  Verb() = default;
};

struct VerbEntry {
  std::string_view name;
  std::string_view summary;   // one sentence, for the list of verbs and the verb's help
  std::string_view examples;  // one or more lines, each a command
  std::unique_ptr<Verb> (*make)();
};

// For VerbEntry::make.
template <typename T>
std::unique_ptr<Verb> MakeVerb() {
  return std::make_unique<T>();
}

// All verbs, in the order of the help.
std::span<const VerbEntry* const> Verbs();

}  // namespace grabfs::cli
