// SPDX-License-Identifier: Apache-2.0
//
// Follows a live device in C: map every buffer once, poll() for events, and read each new frame in
// memory. No system call touches the pixels.
//
//     cc -o follow follow.c && ./follow /mnt/grabfs/cam0 100      # 100 frames
//
// A frame is read under flock(LOCK_SH): while it lasts, the buffer is not used for another. Events
// keep the frame that they told of last, if not too many readers want that: so what the buffer has
// is asked.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_BUFFERS 256

struct buffer {
  int fd;
  const uint8_t* pixels;
  size_t bytes;
};

static struct buffer buffers[MAX_BUFFERS];

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static void map_buffers(const char* device) {
  for (int i = 0; i < MAX_BUFFERS; ++i) {
    char path[4096];
    struct stat status;
    snprintf(path, sizeof(path), "%s/buffers/%03d.raw", device, i);
    buffers[i].fd = open(path, O_RDONLY | O_CLOEXEC);
    if (buffers[i].fd < 0) return;
    if (fstat(buffers[i].fd, &status) < 0) fail(path);
    buffers[i].bytes = (size_t)status.st_size;
    buffers[i].pixels = mmap(NULL, buffers[i].bytes, PROT_READ, MAP_SHARED, buffers[i].fd, 0);
    if (buffers[i].pixels == MAP_FAILED) fail(path);
  }
}

// Is this frame still in the buffer?
static int holds(const struct buffer* buffer, uint64_t sequence) {
  char text[32] = "";
  if (fgetxattr(buffer->fd, "user.grabfs.sequence", text, sizeof(text) - 1) < 0) return 0;
  return strtoull(text, NULL, 10) == sequence;
}

// What is done with a frame: here, the sum of its bytes. Returns 0 when it was gone already.
static int look_at(unsigned number, uint64_t sequence) {
  const struct buffer* buffer = &buffers[number];
  if (number >= MAX_BUFFERS || buffer->pixels == NULL) return 0;
  if (flock(buffer->fd, LOCK_SH) < 0) fail("flock");
  const int there = holds(buffer, sequence);
  if (there) {
    uint64_t sum = 0;
    for (size_t i = 0; i < buffer->bytes; ++i) sum += buffer->pixels[i];
    printf("%" PRIu64 " in buffer %u: %" PRIu64 "\n", sequence, number, sum);
    fflush(stdout);
  }
  flock(buffer->fd, LOCK_UN);
  return there;
}

// Takes one line of `events` and returns how many frames it brought.
static int take_line(const char* line) {
  const char* sequence = strstr(line, "\"sequence\":");
  const char* buffer = strstr(line, "\"buffer\":");
  if (strstr(line, "\"event\":\"frame\"") == NULL || sequence == NULL || buffer == NULL) return 0;
  return look_at((unsigned)strtoul(buffer + strlen("\"buffer\":"), NULL, 10),
                 strtoull(sequence + strlen("\"sequence\":"), NULL, 10));
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s DEVICE_DIRECTORY FRAMES\n", argv[0]);
    return 2;
  }
  char path[4096];
  snprintf(path, sizeof(path), "%s/events", argv[1]);
  struct pollfd events = {.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), .events = POLLIN};
  if (events.fd < 0) fail(path);
  map_buffers(argv[1]);
  long left = strtol(argv[2], NULL, 10);
  while (left > 0) {
    if (poll(&events, 1, -1) < 0 && errno != EINTR) fail("poll");
    // A read returns whole lines.
    char lines[65536];
    const ssize_t length = read(events.fd, lines, sizeof(lines) - 1);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (length <= 0) fail(path);
    lines[length] = '\0';
    for (char* line = strtok(lines, "\n"); line != NULL && left > 0; line = strtok(NULL, "\n")) {
      left -= take_line(line);
    }
  }
  return 0;
}
