// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/exec/program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

// How much is read from standard error at once, and kept of it, and shown.
constexpr size_t kErrorsAtOnce = size_t{64} << 10;
constexpr size_t kWordsKept = 4096;
constexpr size_t kWordsShown = 300;
// Frames are large: fewer system calls than with the 64 KiB of a new pipe. The kernel may refuse.
constexpr int kPipeBytes = 1 << 20;
// What the keeper itself may take beyond its grace.
constexpr int kKeeperMs = 3000;

struct Pipe {
  UniqueFd reading;
  UniqueFd writing;
};

Pipe MakePipe(const std::string& what) {
  std::array<int, 2> ends{};
  CheckSyscall(::pipe2(ends.data(), O_CLOEXEC), what);
  Pipe pipe = {UniqueFd(ends[0]), UniqueFd(ends[1])};
  // This end only: the flag belongs to the open file, and each end is one.
  CheckSyscall(::fcntl(pipe.reading.get(), F_SETFL, O_NONBLOCK), what);
  return pipe;
}

// For people and for JSON: printable ASCII.
char Printable(char c) { return c >= ' ' && c <= '~' ? c : '?'; }

}  // namespace

Program::Program(const KeeperOrder& order) {
  Pipe output = MakePipe(order.program);
  Pipe errors = MakePipe(order.program);
  (void)::fcntl(output.reading.get(), F_SETPIPE_SZ, kPipeBytes);
  std::array<int, 2> ends{};
  CheckSyscall(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), order.program);
  socket_.reset(ends[0]);
  const UniqueFd theirs(ends[1]);
  keeper_ = Keeper::Start(order, output.writing.get(), errors.writing.get(), theirs.get());
  process_.reset(static_cast<int>(::syscall(SYS_pidfd_open, keeper_, 0)));
  output_ = std::move(output.reading);
  errors_ = std::move(errors.reading);
}

Program::~Program() {
  End();
  if (keeper_ < 0) return;
  const int patience = static_cast<int>(Keeper::kGrace.count()) + kKeeperMs;
  pollfd fd = {.fd = process_.get(), .events = POLLIN, .revents = 0};
  while (::poll(&fd, 1, patience) < 0 && errno == EINTR) {
  }
  KillAll();  // in case it hangs
  while (::waitpid(keeper_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// What the keeper would have done, if somebody has killed it. The number is still its own: it was
// not waited for.
void Program::KillAll() const { (void)::kill(-keeper_, SIGKILL); }

void Program::End() {
  if (std::exchange(asked_, true)) return;
  (void)::shutdown(socket_.get(), SHUT_WR);
  output_.reset();
  errors_.reset();
}

bool Program::ReadErrors() {
  if (!errors_.valid()) return false;
  std::array<char, kErrorsAtOnce> text;
  const ssize_t count = ::read(errors_.get(), text.data(), text.size());
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  const auto bytes = static_cast<size_t>(count);
  words_.append(text.data(), bytes);
  if (words_.size() > kWordsKept) words_.erase(0, words_.size() - kWordsKept);
  return bytes > 0;
}

// The last line that is not empty; a carriage return, which progress displays use, ends one, too.
std::string Program::LastWords() const {
  constexpr std::string_view kEnds = "\r\n";
  const size_t end = words_.find_last_not_of("\r\n \t");
  if (end == std::string::npos) return {};
  const size_t before = words_.find_last_of(kEnds, end);
  const size_t begin = before == std::string::npos ? 0 : before + 1;
  std::string line = words_.substr(begin, end + 1 - begin);
  if (line.size() > kWordsShown) line = "..." + line.substr(line.size() - kWordsShown);
  std::ranges::transform(line, line.begin(), Printable);
  return line;
}

std::string Program::Describe(const KeeperReport& report) {
  if (report.kind == KeeperReport::Kind::kNotRun) {
    return "cannot be run: " + ErrnoText(report.value);
  }
  const int status = report.value;
  if (WIFSIGNALED(status)) {
    return "killed by signal " + std::to_string(WTERMSIG(status)) + " (" +
           ::sigdescr_np(WTERMSIG(status)) + ")";
  }
  succeeded_ = WEXITSTATUS(status) == 0;
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

std::optional<std::string> Program::Ended() {
  if (ended_) return ended_;
  siginfo_t info{};
  const auto id = static_cast<id_t>(keeper_);
  if (::waitid(P_PID, id, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0) {
    return std::nullopt;
  }
  KillAll();
  (void)::waitpid(keeper_, nullptr, 0);
  keeper_ = -1;
  // What it has written last is in the pipe, which has no more than this.
  for (size_t read = 0; read < kPipeBytes && ReadErrors(); read += kErrorsAtOnce) {
    pollfd fd = {.fd = errors_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&fd, 1, 0) <= 0) break;
  }
  KeeperReport report{};
  const ssize_t count = ::recv(socket_.get(), &report, sizeof report, MSG_DONTWAIT);
  const bool told = count == static_cast<ssize_t>(sizeof report);
  const std::string words = LastWords();
  ended_ = (told ? Describe(report) : "killed") + (words.empty() ? "" : ": " + words);
  return ended_;
}

}  // namespace grabfs
