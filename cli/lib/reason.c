// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/lib/internal.h"

static _Thread_local char text[1024];
static _Thread_local const char* reason = "nothing has failed";

int grabfsi_fail(int code, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  return grabfsi_fail_quickly(code, text);
}

int grabfsi_fail_errno(const struct grabfs_device* device, const char* name) {
  // What was under way when the daemon ended, and what comes later, is the same to callers.
  const int code = errno == ECONNABORTED ? ENOTCONN : errno;
  return grabfsi_fail(code, "%s/%s: %s", device->path, name, strerror(code));
}

int grabfsi_fail_quickly(int code, const char* words) {
  reason = words;
  return -code;
}

int grabfsi_fail_child(void) {
  return grabfsi_fail_quickly(ECHILD, "opened by another process, before a fork: open it here");
}

const char* grabfs_reason(void) { return reason; }
