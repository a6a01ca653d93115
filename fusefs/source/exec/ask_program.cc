// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/exec/ask_program.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <optional>

#include "fusefs/base/clock.h"
#include "fusefs/base/error.h"
#include "fusefs/source/exec/program.h"

namespace grabfs {
namespace {

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kMs = 1'000'000;

}  // namespace

Y4mHeader AskProgram(const std::string& description, const ExecOptions& options) {
  Program program(options.order);
  Y4mInput input(program.output());
  const uint64_t timeout = options.timeout_ns.value_or(kDefaultTimeoutNs);
  const uint64_t deadline = timeout == 0 ? kNoLimit : MonotonicNs() + timeout;
  for (bool closed = false;;) {
    const bool heard = program.ReadErrors();
    Y4mInput::Event event = Y4mInput::Event::kEnd;
    try {
      if (!closed) event = input.Read();
    } catch (const Error& error) {
      throw Error(error.code(), description + ": " + error.what());
    }
    if (event == Y4mInput::Event::kHeader) return input.header();
    closed = closed || event == Y4mInput::Event::kEnd;
    if (const auto how = program.Ended()) {
      throw Error(EIO, description + ": the program makes no frames: " + *how);
    }
    const uint64_t now = MonotonicNs();
    if (now >= deadline) {
      const std::string words = program.LastWords();
      throw Error(ETIMEDOUT, description + ": the program has written no frames within " +
                                 std::to_string(timeout / kNsPerSecond) + " s" +
                                 (words.empty() ? "" : "; its last words: " + words));
    }
    std::array<pollfd, 3> fds = {{{closed ? -1 : program.output(), POLLIN, 0},
                                  {heard ? program.errors() : -1, POLLIN, 0},
                                  {program.process(), POLLIN, 0}}};
    const uint64_t left_ms = deadline == kNoLimit ? 1000 : (deadline - now) / kMs + 1;
    (void)::poll(fds.data(), fds.size(), static_cast<int>(std::min<uint64_t>(left_ms, 1000)));
  }
}

}  // namespace grabfs
