// SPDX-License-Identifier: Apache-2.0
//
// Other processes: programs whose output is stored, and forked children of the test. The destructor
// kills and reaps them, so that no test leaves one behind.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fusefs/base/unique_fd.h"

namespace grabfs::mount_test {

class Process {
 public:
  // Starts `arguments[0]`, looked up in PATH, with empty standard input. Throws Error.
  explicit Process(const std::vector<std::string>& arguments);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  [[nodiscard]] pid_t pid() const { return pid_; }
  // The exit status, or 128 + the signal that ended it; nullopt while it runs.
  std::optional<int> Poll();
  // Waits for the end; throws std::runtime_error after a time limit.
  int Wait();
  void Signal(int signal) const;
  // What it has printed so far.
  [[nodiscard]] std::string out() const;
  [[nodiscard]] std::string err() const;

 private:
  UniqueFd out_;
  UniqueFd err_;
  pid_t pid_ = -1;
  std::optional<int> status_;
};

struct CommandResult {
  int status = 0;
  std::string out;
  std::string err;
};

// Runs a program to its end.
CommandResult RunCommand(const std::vector<std::string>& arguments);
// Runs a shell command line.
CommandResult RunShell(const std::string& line);

// A child process that runs a part of the test, and synchronizes with its parent by Tell() and
// Await(). `body` returns the exit status of the child; an exception is printed and becomes the
// status 99.
class Child {
 public:
  // The child's side.
  class Parent {
   public:
    Parent(int in, int out) : in_(in), out_(out) {}
    void Tell() const;   // ends one Await() of the parent
    void Await() const;  // until a Tell() of the parent; exits if there is no parent any more

   private:
    int in_;
    int out_;
  };

  explicit Child(const std::function<int(Parent)>& body);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  [[nodiscard]] pid_t pid() const { return pid_; }
  void Await() const;  // until a Tell() of the child; throws if it has died
  void Tell() const;
  int Wait();  // for its end; returns the exit status, or 128 + signal
  void Kill();

 private:
  UniqueFd to_child_;
  UniqueFd from_child_;
  pid_t pid_ = -1;
};

}  // namespace grabfs::mount_test
