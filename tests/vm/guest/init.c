// SPDX-License-Identifier: Apache-2.0
/*
 * The guest's first process: sets up the file systems, loads the modules that the run asks for,
 * runs its steps one after the other, reports on the second serial line, and powers off.
 *
 * It reads /etc/vm/modules ("PATH PARAMETERS" a line) and /etc/vm/steps ("NAME COMMAND" a line).
 * Standard output of a step goes to the report line, standard error to the console. From the
 * kernel's command line it takes VM_NONCE, which the verdict repeats, VM_STEP_SECONDS, after which
 * a step is killed, and VM_LEAK_SCAN: the last step is kmemleak's. The protocol is described in
 * harness/report.py.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { kStatusTimeout = 124, kStatusNotRun = 127, kStatusSignal = 128 };

static int report_fd = -1;

__attribute__((format(printf, 1, 2))) static void Report(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vdprintf(report_fd, format, arguments);
  va_end(arguments);
}

static void Mount(const char* type, const char* where, const char* options) {
  mkdir(where, 0755);
  // Kernels differ in what they have; a test that needs a missing one fails and says so.
  if (mount(type, where, type, 0, options) != 0 && errno != EBUSY) {
    fprintf(stderr, "init: mount %s: %s\n", where, strerror(errno));
  }
}

static void MountFileSystems(void) {
  Mount("proc", "/proc", "");
  Mount("sysfs", "/sys", "");
  Mount("devtmpfs", "/dev", "");
  Mount("tmpfs", "/dev/shm", "mode=1777");
  Mount("tmpfs", "/tmp", "mode=1777");
  Mount("tmpfs", "/run", "mode=755");
  Mount("debugfs", "/sys/kernel/debug", "");
  Mount("tracefs", "/sys/kernel/tracing", "");
  Mount("cgroup2", "/sys/fs/cgroup", "");
}

static bool WriteFile(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  const bool written = fd >= 0 && write(fd, text, strlen(text)) >= 0;
  if (!written) fprintf(stderr, "init: %s: %s\n", path, strerror(errno));
  close(fd);
  return written;
}

static void OpenReport(void) {
  report_fd = open("/dev/ttyS1", O_WRONLY | O_NOCTTY | O_CLOEXEC);
  if (report_fd < 0) {
    fprintf(stderr, "init: no report line: %s\n", strerror(errno));
    reboot(RB_POWER_OFF);
  }
  struct termios raw;
  tcgetattr(report_fd, &raw);
  cfmakeraw(&raw);
  tcsetattr(report_fd, TCSANOW, &raw);
}

// Splits "WORD REST\n" in place; returns false at the end of the file.
static bool ReadEntry(FILE* file, char** line, size_t* capacity, char** rest) {
  const ssize_t length = getline(line, capacity, file);
  if (length <= 0) return false;
  (*line)[strcspn(*line, "\n")] = '\0';
  *rest = *line + strcspn(*line, " ");
  if (**rest != '\0') *(*rest)++ = '\0';
  return true;
}

static bool LoadModule(const char* path, const char* parameters) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  const bool loaded = fd >= 0 && syscall(SYS_finit_module, fd, parameters, 0) == 0;
  if (!loaded) fprintf(stderr, "init: %s: %s\n", path, strerror(errno));
  close(fd);
  return loaded;
}

static bool LoadModules(void) {
  FILE* const file = fopen("/etc/vm/modules", "re");
  if (file == NULL) return true;
  bool all = true;
  char* line = NULL;
  char* parameters = NULL;
  size_t capacity = 0;
  while (all && ReadEntry(file, &line, &capacity, &parameters)) all = LoadModule(line, parameters);
  free(line);
  fclose(file);
  return all;
}

static _Noreturn void RunCommand(const char* command, bool interactive) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  setsid();
  if (interactive) {
    const int terminal = open("/dev/ttyS0", O_RDWR);
    ioctl(terminal, TIOCSCTTY, 0);
    for (int fd = 0; fd <= 2; ++fd) dup2(terminal, fd);
  } else {
    dup2(report_fd, STDOUT_FILENO);
  }
  execl("/bin/sh", "sh", "-c", command, (char*)NULL);
  _exit(kStatusNotRun);
}

// A step that hangs leaves its traces in the log: where every task sleeps.
static void DumpTasks(void) {
  WriteFile("/proc/sysrq-trigger", "w");
  WriteFile("/proc/sysrq-trigger", "l");
}

static int DecodeStatus(int status) {
  return WIFSIGNALED(status) ? kStatusSignal + WTERMSIG(status) : WEXITSTATUS(status);
}

// Waits for `step`, reaping orphans of earlier ones on the way. SIGCHLD is blocked and waited for.
static int WaitForStep(pid_t step, long seconds) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const time_t deadline = now.tv_sec + seconds;
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  for (;;) {
    int status = 0;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid == step) return DecodeStatus(status);
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (seconds > 0 && now.tv_sec >= deadline) {
      DumpTasks();
      kill(-step, SIGKILL);
      return kStatusTimeout;
    }
    sigtimedwait(&child, NULL, &(struct timespec){.tv_sec = 1});
  }
}

static void RunStep(const char* name, const char* command, long seconds) {
  const bool interactive = getenv("VM_INTERACTIVE") != NULL;
  Report("\n@vm step %s\n", name);
  fprintf(stderr, "== step %s\n", name);
  const pid_t step = fork();
  if (step == 0) RunCommand(command, interactive);
  const int status = step < 0 ? kStatusNotRun : WaitForStep(step, seconds);
  Report("\n@vm done %s %d\n", name, status);
}

static long RunSteps(void) {
  FILE* const file = fopen("/etc/vm/steps", "re");
  if (file == NULL) return 0;
  const char* const limit = getenv("VM_STEP_SECONDS");
  const long seconds = limit == NULL ? 0 : strtol(limit, NULL, 10);
  long count = 0;
  char* line = NULL;
  char* command = NULL;
  size_t capacity = 0;
  for (; ReadEntry(file, &line, &capacity, &command); ++count) RunStep(line, command, seconds);
  free(line);
  fclose(file);
  return count;
}

// Prints what kmemleak has found, which the harness takes for a kernel's complaint. Returns the
// number of leaks; -1: none can be found here.
static int PrintLeaks(const char* path) {
  FILE* const leaks = fopen(path, "re");
  if (leaks == NULL) return -1;
  int count = 0;
  char* line = NULL;
  size_t capacity = 0;
  while (getline(&line, &capacity, leaks) > 0) {
    fputs(line, stderr);
    count += strncmp(line, "unreferenced", strlen("unreferenced")) == 0;
  }
  free(line);
  fclose(leaks);
  return count;
}

// Two scans, because one may see a pointer that is just being moved; the pause is kmemleak's own
// minimum age of a leak. Nothing else runs any more, so that all that is in use is the kernel's
// own.
static int ScanForLeaks(void) {
  static const char kPath[] = "/sys/kernel/debug/kmemleak";
  kill(-1, SIGKILL);
  for (int scan = 0; scan < 2; ++scan) {
    sleep(6);
    if (!WriteFile(kPath, "scan")) return kStatusNotRun;
  }
  return PrintLeaks(kPath) == 0 ? 0 : 1;
}

static long RunLeakStep(void) {
  if (getenv("VM_LEAK_SCAN") == NULL) return 0;
  Report("\n@vm step kmemleak\n");
  Report("\n@vm done kmemleak %d\n", ScanForLeaks());
  return 1;
}

int main(void) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
  setenv("GRABFS_STRICT", "1", 1);  // What must not happen ends the daemon.
  setenv("GTEST_COLOR", "no", 1);   // The report line is a terminal, but nobody looks at it.
  MountFileSystems();
  OpenReport();
  enum { kConsoleLevel = 8, kEverything = 8 };
  klogctl(kConsoleLevel, NULL, kEverything);
  const char* const nonce = getenv("VM_NONCE");
  Report("\n@vm start %s\n", nonce);
  if (LoadModules()) {
    long steps = RunSteps();
    steps += RunLeakStep();
    Report("\n@vm verdict %s %ld\n", nonce, steps);
  }
  tcdrain(report_fd);
  sync();
  reboot(RB_POWER_OFF);
  return 1;
}
