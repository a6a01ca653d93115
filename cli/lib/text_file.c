// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/lib/internal.h"

int grabfsi_open_file(int directory, const char* name, int flags) {
  struct open_how how = {
      .flags = (unsigned)(flags | O_LARGEFILE | O_CLOEXEC),
      .mode = (flags & O_TMPFILE) == O_TMPFILE ? 0600 : 0,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
  };
  const long file = syscall(SYS_openat2, directory, name, &how, sizeof(how));
  // A kernel before 5.6 cannot tell where links lead.
  if (file < 0 && errno == ENOSYS) return openat(directory, name, flags | O_CLOEXEC, how.mode);
  return (int)file;
}

void grabfsi_close_quietly(int file) {
  const int code = errno;
  close(file);
  errno = code;
}

// Files are longer than the caller's memory at times: the rest is read to know how long.
ssize_t grabfsi_read_text(int directory, const char* name, char* text, size_t bytes) {
  const int file = grabfsi_open_file(directory, name, O_RDONLY | O_NONBLOCK);
  if (file < 0) return -1;
  size_t length = 0;
  char last = 0;
  for (;;) {
    char piece[4096];
    const ssize_t got = read(file, piece, sizeof(piece));
    if (got <= 0) {
      grabfsi_close_quietly(file);
      if (got < 0) return -1;
      break;
    }
    const size_t room = length < bytes ? bytes - length : 0;
    // Who only asks how long the text is gives no memory at all.
    if (room > 0) memcpy(text + length, piece, (size_t)got < room ? (size_t)got : room);
    length += (size_t)got;
    last = piece[got - 1];
  }
  if (last == '\n') --length;
  if (bytes > 0) text[length < bytes ? length : bytes - 1] = '\0';
  return (ssize_t)length;
}

int grabfsi_write_text(int directory, const char* name, const char* text) {
  const int file = grabfsi_open_file(directory, name, O_WRONLY);
  if (file < 0) return -1;
  const ssize_t written = write(file, text, strlen(text));
  grabfsi_close_quietly(file);
  return written < 0 ? -1 : 0;
}

// A text within the JSON cannot be taken for a key: its quotation marks are escaped.
const char* grabfsi_json_value(const char* json, const char* key) {
  char quoted[64];
  snprintf(quoted, sizeof(quoted), "\"%s\"", key);
  while ((json = strstr(json, quoted)) != NULL) {
    json += strlen(quoted);
    const char* const colon = json + strspn(json, " \n");
    if (*colon == ':') return colon + 1 + strspn(colon + 1, " \n");
  }
  return NULL;
}
