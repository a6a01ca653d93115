// SPDX-License-Identifier: Apache-2.0
//
// A verb of grabfs-cli: `list`, `capture`, `save` and so on. Each lies in a file of its own under
// verbs/, which defines one VerbEntry; verbs.cc lists them. To add a verb, write its file and name
// its entry there.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "cli/context.h"
#include "cli/exit_code.h"
#include "cli/options.h"

namespace grabfs::cli {

// Lives for one invocation: Declare() once, then the command line is parsed into the members that
// it bound, then Run() once.
class Verb {
 public:
  virtual ~Verb() = default;
  Verb(const Verb&) = delete;
  Verb& operator=(const Verb&) = delete;

  virtual void Declare(Options& options) = 0;
  // Throws Error; see exit_code.h for what becomes of it.
  virtual ExitCode Run(Context& context) = 0;

 protected:
  Verb() = default;
};

struct VerbEntry {
  std::string_view name;
  std::string_view summary;   // one sentence, in the list of verbs and above the options
  std::string_view examples;  // one or more lines, each a command
  std::unique_ptr<Verb> (*make)();
};

// For VerbEntry::make.
template <typename T>
std::unique_ptr<Verb> MakeVerb() {
  return std::make_unique<T>();
}

// In the order in which help shows them.
std::span<const VerbEntry* const> Verbs();

}  // namespace grabfs::cli
