// SPDX-License-Identifier: Apache-2.0
//
// The daemon's log: one line for each event that an administrator should see. Errors that a user's
// own call caused are not logged: the user gets an errno value and the attribute last_error.
#pragma once

#include <string>

namespace grabfs {

enum class LogTarget {
  kStderr,  // "grabfs: text"; with the journal's priority prefix when it reads stderr
  kSyslog,  // the daemon facility, for a process that has given up its stderr
};

// Before the first call, lines go to stderr. Call it while the process has one thread, and again
// after stderr was redirected.
void InitLog(LogTarget target);

// `text`: one line without a newline. Thread-safe; lines of different threads never mix. These
// functions never fail: capture goes on when the log cannot be written.
void LogInfo(const std::string& text);
void LogWarning(const std::string& text);
void LogError(const std::string& text);

}  // namespace grabfs
