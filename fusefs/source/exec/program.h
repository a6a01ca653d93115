// SPDX-License-Identifier: Apache-2.0
//
// A program that runs beside the daemon: what it writes, its last words, and how it ended. Every
// process that it starts ends with it (keeper.h).
//
// Threads: one at a time; any thread may poll the descriptors.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "fusefs/base/unique_fd.h"
#include "fusefs/source/exec/keeper.h"

namespace grabfs {

class Program {
 public:
  // Starts it. Throws Error when there is no process or descriptor left; that the program cannot be
  // executed, Ended() tells.
  explicit Program(const KeeperOrder& order);
  // Ends it, and waits until it has ended: at most a little longer than Keeper::kGrace.
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Its standard output and its standard error, not blocking.
  [[nodiscard]] int output() const { return output_.get(); }
  [[nodiscard]] int errors() const { return errors_.get(); }
  // Readable when it has ended.
  [[nodiscard]] int process() const { return process_.get(); }

  // Asks it to end, and reads nothing of it any more. Does not wait.
  void End();
  // Empties its standard error, as far as that takes no time; false: nobody will write to it any
  // more. Only the last words are kept.
  bool ReadErrors();
  // How it ended, and its last words: "exit status 1: no such camera". nullopt: it runs, or a
  // process that it has started does.
  std::optional<std::string> Ended();
  // Once Ended(): with exit status 0.
  [[nodiscard]] bool succeeded() const { return succeeded_; }
  // The last line that it has written to its standard error; empty: none.
  [[nodiscard]] std::string LastWords() const;

 private:
  void KillAll() const;
  [[nodiscard]] std::string Describe(const KeeperReport& report);

  UniqueFd output_;
  UniqueFd errors_;
  UniqueFd socket_;
  pid_t keeper_ = -1;  // -1: it was waited for
  UniqueFd process_;   // of the keeper
  bool asked_ = false;
  bool succeeded_ = false;
  std::optional<std::string> ended_;
  std::string words_;  // the end of what it has written to its standard error
};

}  // namespace grabfs
