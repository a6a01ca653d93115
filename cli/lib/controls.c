// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/lib/internal.h"

// Not by the set of frames, as elsewhere: another thread may be changing it.
static int is_child(const struct grabfs_device* device) { return device->process != getpid(); }

// Undoes what the daemon escapes in a text; ends with the quotation mark, or where there is no
// room.
static void unescape(const char* from, char* text, size_t bytes) {
  size_t length = 0;
  for (; *from != '\0' && *from != '"' && length + 1 < bytes; ++from) {
    if (*from != '\\') {
      text[length++] = *from;
    } else if (*++from == 'u') {
      for (int digits = 0; digits < 4 && from[1] != '\0'; ++digits) ++from;
      text[length++] = ' ';
    } else if (*from == '\0') {
      break;
    } else {
      text[length++] = *from == 'n' || *from == 't' ? ' ' : *from;
    }
  }
  text[length] = '\0';
}

void grabfsi_last_error(const struct grabfs_device* device, char* text, size_t bytes) {
  char status[16384];
  *text = '\0';
  if (grabfsi_read_text(device->directory, "status.json", status, sizeof(status)) < 0) return;
  const char* const value = grabfsi_json_value(status, "last_error");
  if (value != NULL && *value == '"') unescape(value + 1, text, bytes);
}

// Runs `access` on the attribute of that name, else on the control.
static ssize_t with_file(const struct grabfs_device* device, const char* name,
                         ssize_t (*access)(int directory, const char* name, void* data),
                         void* data) {
  if (*name == '\0' || strchr(name, '/') != NULL) {
    errno = ENOENT;
    return -1;
  }
  const ssize_t result = access(device->directory, name, data);
  if (result >= 0 || errno != ENOENT) return result;
  char control[512];
  snprintf(control, sizeof(control), "controls/%s", name);
  return access(device->directory, control, data);
}

static int gone(int code) { return code == ESTALE ? ENODEV : code; }

struct room {
  char* text;
  size_t bytes;
};

static ssize_t read_file(int directory, const char* name, void* data) {
  const struct room* const room = data;
  return grabfsi_read_text(directory, name, room->text, room->bytes);
}

static ssize_t write_file(int directory, const char* name, void* data) {
  return grabfsi_write_text(directory, name, data);
}

int grabfs_get(struct grabfs_device* device, const char* name, char* text, size_t bytes) {
  if (is_child(device)) return grabfsi_fail_child();
  struct room room = {text, bytes};
  const ssize_t length = with_file(device, name, read_file, &room);
  if (length >= 0) return (int)length;
  errno = gone(errno);
  return grabfsi_fail_errno(device, name);
}

static int fail_to_set(const struct grabfs_device* device, const char* name, const char* text) {
  const int code = gone(errno);
  char words[512] = "";
  if (code == EINVAL || code == ENOSPC || code == EOPNOTSUPP) {
    grabfsi_last_error(device, words, sizeof(words));
  }
  return grabfsi_fail(code, "%s: %s=%s: %s", device->path, name, text,
                      *words != '\0' ? words : strerror(code));
}

int grabfs_set(struct grabfs_device* device, const char* name, const char* text) {
  if (is_child(device)) return grabfsi_fail_child();
  const ssize_t result = with_file(device, name, write_file, (void*)(uintptr_t)text);
  return result >= 0 ? 0 : fail_to_set(device, name, text);
}

int grabfs_get_number(struct grabfs_device* device, const char* name, int64_t* number) {
  char text[64];
  const int length = grabfs_get(device, name, text, sizeof(text));
  if (length < 0) return length;
  char* end;
  errno = 0;
  const int64_t value = strtoll(text, &end, 10);
  if (errno == ERANGE) return grabfsi_fail(ERANGE, "%s is %s: too large", name, text);
  if (end == text || *end != '\0') return grabfsi_fail(EPROTO, "%s is '%s', no number", name, text);
  *number = value;
  return 0;
}

int grabfs_set_number(struct grabfs_device* device, const char* name, int64_t number) {
  char text[32];
  snprintf(text, sizeof(text), "%" PRId64, number);
  return grabfs_set(device, name, text);
}

int grabfs_capture(struct grabfs_device* device, uint32_t frames) {
  return grabfs_set_number(device, "trigger", frames);
}

int grabfs_start(struct grabfs_device* device) { return grabfs_set(device, "state", "start"); }

int grabfs_stop(struct grabfs_device* device) { return grabfs_set(device, "state", "stop"); }
