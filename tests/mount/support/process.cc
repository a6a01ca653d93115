// SPDX-License-Identifier: Apache-2.0
//
// posix_spawn for programs (safe whatever threads the test has), fork for children of the test.
#include "tests/mount/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <exception>
#include <stdexcept>

#include "fusefs/base/error.h"
#include "tests/mount/support/wait.h"

extern char** environ;

namespace grabfs::mount_test {
namespace {

constexpr int kSignalBase = 128;
constexpr int kThrew = 99;

int StatusOf(int wait_status) {
  return WIFSIGNALED(wait_status) ? kSignalBase + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

UniqueFd MakeOutputFile(const char* name) {
  return UniqueFd(CheckSyscall(::memfd_create(name, MFD_CLOEXEC), "memfd_create"));
}

std::string Contents(int fd) {
  std::string text;
  std::array<char, 4096> chunk{};
  ssize_t got = 0;
  while ((got = ::pread(fd, chunk.data(), chunk.size(), static_cast<off_t>(text.size()))) > 0) {
    text.append(chunk.data(), static_cast<size_t>(got));
  }
  return text;
}

class FileActions {
 public:
  FileActions(int out, int err) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, err, STDERR_FILENO);
  }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

void ReadByte(int fd, const char* who) {
  pollfd waiting{fd, POLLIN, 0};
  const int limit = static_cast<int>(std::chrono::milliseconds(kPatience).count());
  char byte = 0;
  if (::poll(&waiting, 1, limit) != 1) throw std::runtime_error(std::string(who) + " is silent");
  if (::read(fd, &byte, 1) != 1) throw std::runtime_error(std::string(who) + " is gone");
}

void WriteByte(int fd, const char* who) {
  if (::write(fd, "x", 1) != 1) throw std::runtime_error(std::string(who) + " is gone");
}

int RunBody(const std::function<int(Child::Parent)>& body, Child::Parent parent) {
  try {
    return body(parent);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "child: %s\n", error.what());
    return kThrew;
  }
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments)
    : out_(MakeOutputFile("stdout")), err_(MakeOutputFile("stderr")) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const FileActions actions(out_.get(), err_.get());
  const int error = ::posix_spawnp(&pid_, argv[0], actions.get(), nullptr, argv.data(), environ);
  if (error != 0) throw Error(error, "start " + arguments[0] + ": " + ErrnoText(error));
}

Process::~Process() {
  if (Poll()) return;
  Signal(SIGKILL);
  int ignored = 0;
  ::waitpid(pid_, &ignored, 0);
}

std::optional<int> Process::Poll() {
  int wait_status = 0;
  if (!status_ && ::waitpid(pid_, &wait_status, WNOHANG) == pid_) status_ = StatusOf(wait_status);
  return status_;
}

int Process::Wait() {
  if (!WaitUntil([this] { return Poll().has_value(); })) {
    throw std::runtime_error("process does not end; it said: " + err());
  }
  return *status_;
}

void Process::Signal(int signal) const { ::kill(pid_, signal); }

std::string Process::out() const { return Contents(out_.get()); }

std::string Process::err() const { return Contents(err_.get()); }

CommandResult RunCommand(const std::vector<std::string>& arguments) {
  Process process(arguments);
  const int status = process.Wait();
  return {status, process.out(), process.err()};
}

CommandResult RunShell(const std::string& line) { return RunCommand({"bash", "-c", line}); }

void Child::Parent::Tell() const { WriteByte(out_, "parent"); }

void Child::Parent::Await() const { ReadByte(in_, "parent"); }

Child::Child(const std::function<int(Parent)>& body) {
  std::array<int, 2> down{};
  std::array<int, 2> up{};
  CheckSyscall(::pipe2(down.data(), O_CLOEXEC), "pipe");
  UniqueFd child_in(down[0]);
  to_child_.reset(down[1]);
  CheckSyscall(::pipe2(up.data(), O_CLOEXEC), "pipe");
  from_child_.reset(up[0]);
  UniqueFd child_out(up[1]);
  pid_ = CheckSyscall(::fork(), "fork");
  if (pid_ > 0) return;
  to_child_.reset();
  from_child_.reset();
  // _exit: the parent's objects in this copy must not tear down the parent's mount.
  ::_exit(RunBody(body, Parent(child_in.get(), child_out.get())));
}

Child::~Child() {
  if (pid_ > 0) Kill();
}

void Child::Await() const { ReadByte(from_child_.get(), "child"); }

void Child::Tell() const { WriteByte(to_child_.get(), "child"); }

int Child::Wait() {
  int wait_status = 0;
  CheckSyscall(::waitpid(pid_, &wait_status, 0), "waitpid");
  pid_ = -1;
  return StatusOf(wait_status);
}

void Child::Kill() {
  ::kill(pid_, SIGKILL);
  Wait();
}

}  // namespace grabfs::mount_test
