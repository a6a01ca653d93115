// SPDX-License-Identifier: Apache-2.0
#include "cli/base/timely_work.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "cli/base/file.h"
#include "fusefs/base/error.h"

namespace grabfs::cli {
namespace {

constexpr size_t kMost = size_t{16} << 20;

// What goes through the pipe: an errno value, 0 if the work returned, and a text.
std::string Encode(int code, const std::string& text) {
  return std::string(reinterpret_cast<const char*>(&code), sizeof(code)) + text;
}

std::string Decode(const std::string& answer) {
  int code = EIO;
  if (answer.size() < sizeof(code)) throw Error(EIO, "a process of grabfs-cli died at its work");
  std::memcpy(&code, answer.data(), sizeof(code));
  std::string text = answer.substr(sizeof(code));
  if (code != 0) throw Error(code, text);
  return text;
}

std::string ResultOf(const std::function<std::string()>& work) {
  try {
    return Encode(0, work());
  } catch (...) {
    const Error error = ErrorFrom(std::current_exception());
    return Encode(error.code(), error.what());
  }
}

[[noreturn]] void DoIt(const std::function<std::string()>& work, const UniqueFd& out) {
  constexpr int kPipe = 0;
  ::dup2(out.get(), kPipe);
  ::syscall(SYS_close_range, kPipe + 1, ~0U, 0);
  try {
    WriteAll(kPipe, ResultOf(work), "the result");
  } catch (const Error&) {
    ::_exit(1);  // nobody reads it any more
  }
  ::_exit(0);
}

}  // namespace

TimelyWork::TimelyWork(const std::function<std::string()>& work) {
  std::array<int, 2> ends = {-1, -1};
  CheckSyscall(::pipe2(ends.data(), O_CLOEXEC), "a pipe");
  pipe_ = UniqueFd(ends[0]);
  const UniqueFd write_end(ends[1]);
  pid_ = CheckSyscall(::fork(), "a process for what may not answer");
  if (pid_ == 0) DoIt(work, write_end);
}

TimelyWork::TimelyWork(TimelyWork&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pipe_(std::move(other.pipe_)),
      received_(std::move(other.received_)) {}

TimelyWork::~TimelyWork() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  // One that hangs in a request becomes a zombie later, and init's when this program ends.
  ::waitpid(pid_, nullptr, pipe_.valid() ? WNOHANG : 0);
}

std::optional<std::string> TimelyWork::Await(const Deadline& deadline) {
  std::array<char, 65536> chunk;
  while (AwaitReadable(pipe_.get(), deadline)) {
    const ssize_t got = ::read(pipe_.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    CheckSyscall(got, "the result of a process of grabfs-cli");
    if (got == 0) {
      pipe_ = UniqueFd();
      return Decode(received_);
    }
    received_.append(chunk.data(), static_cast<size_t>(got));
    if (received_.size() > kMost) throw Error(EMSGSIZE, "more than 16 MiB: this is no status");
  }
  return std::nullopt;
}

}  // namespace grabfs::cli
