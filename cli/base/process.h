// SPDX-License-Identifier: Apache-2.0
//
// Finds and runs other programs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/base/context.h"
#include "cli/base/deadline.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::cli {

// Looks for a program in the directory of this program, then in $PATH.
std::optional<std::filesystem::path> FindProgram(const Context& context, const std::string& name);

// A program that runs beside this one, with its descriptors and environment.
class Child {
 public:
  enum class Input { kInherited, kNone };

  // `words`: the program, which is looked for in $PATH if there is no slash in it, and its
  // arguments. Throws Error when it cannot be started.
  explicit Child(std::vector<std::string> words, Input input = Input::kInherited);
  Child(Child&&) = default;
  Child& operator=(Child&&) = default;

  // Readable when it has ended.
  [[nodiscard]] int fd() const { return process_.get(); }
  // Waits; once. Returns its exit status, or 128 + N when signal N ended it.
  int Await();

 private:
  pid_t pid_ = 0;
  UniqueFd process_;
};

// What a program writes to its standard output until it ends; the rest of its words are its
// arguments. Its messages are thrown away. Throws Error when it cannot be started, or has failed.
std::string OutputOf(std::vector<std::string> words);

// Becomes the program, with the rest of the words as its arguments. Throws Error when it cannot.
[[noreturn]] void Become(std::vector<std::string> words);

// A pidfd, which becomes readable when the process ends; invalid: there is no such process.
UniqueFd WatchProcess(int64_t pid);
// False: the process has not ended in time.
bool AwaitEnd(const UniqueFd& process, const Deadline& deadline);

}  // namespace grabfs::cli
