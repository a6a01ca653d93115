// SPDX-License-Identifier: Apache-2.0
//
// Logging. No lock: a line is one write() or one syslog() call, and both keep lines whole.
#include "fusefs/base/log.h"

#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <cstdlib>

namespace grabfs {
namespace {

struct Log {
  LogTarget target = LogTarget::kStderr;
  bool journal = false;
};
Log g_log;

// systemd names the stream that the journal reads by device and inode in JOURNAL_STREAM; a
// redirected stderr is another file, even when the variable has been inherited.
bool JournalReadsStderr() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

void Write(int priority, const std::string& text) {
  if (g_log.target == LogTarget::kSyslog) {
    ::syslog(priority, "%s", text.c_str());
    return;
  }
  std::string line = "grabfs: " + text + "\n";
  if (g_log.journal) line.insert(0, "<" + std::to_string(priority) + ">");
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;
}

}  // namespace

void InitLog(LogTarget target) {
  g_log = {.target = target, .journal = JournalReadsStderr()};
  // Connected at once, so that the socket is there whatever happens to /dev or to descriptors.
  if (target == LogTarget::kSyslog) ::openlog("grabfs", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void LogInfo(const std::string& text) { Write(LOG_INFO, text); }
void LogWarning(const std::string& text) { Write(LOG_WARNING, text); }
void LogError(const std::string& text) { Write(LOG_ERR, text); }

}  // namespace grabfs
