// SPDX-License-Identifier: Apache-2.0
//
// Where the daemon writes what nobody asked for: one line for each event that an administrator
// should see. Answers to users go to last_error and errno, not here.
#pragma once

#include <string>

namespace grabfs {

enum class LogTarget {
  kStderr,  // "grabfs: text"; with the journal's priority prefix when it reads stderr
  kSyslog,  // the daemon facility, for a process that has given up its stderr
};

// Until it is called, lines go to stderr. Call it while there is one thread only, and again after
// stderr has become another file.
void InitLog(LogTarget target);

// One line each, without a newline. Thread-safe; lines of different threads never mix. Never fail:
// a log that cannot be written is no reason to stop capturing.
void LogInfo(const std::string& text);
void LogWarning(const std::string& text);
void LogError(const std::string& text);

}  // namespace grabfs
