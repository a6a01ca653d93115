// SPDX-License-Identifier: Apache-2.0
//
// Frames over frames/ and latest.raw: each is opened, mapped and closed, and held by its mapping.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cli/lib/internal.h"

// A frame may be recycled between its being found and its being opened, at most so often in one
// look.
enum { LOOKS = 100 };

// What capture needs, besides frames that are held.
enum { LEFT_TO_CAPTURE = 2 };

// The part of the buffers that one user may hold, if the mount does not say otherwise.
enum { USUAL_PERCENT = 50 };

// The option hold_limit= of the mount.
static long hold_percent(const struct grabfs_device* device) {
  char root[PATH_MAX];
  char options[1024];
  snprintf(root, sizeof(root), "%s/..", device->path);
  const ssize_t length = getxattr(root, "user.grabfs.options", options, sizeof(options) - 1);
  options[length < 0 ? 0 : length] = '\0';
  const char* const limit = strstr(options, "hold_limit=");
  return limit == NULL ? USUAL_PERCENT : strtol(limit + strlen("hold_limit="), NULL, 10);
}

// All of them for root and the owner of the mount.
static long share_of(const struct grabfs_device* device, long buffers) {
  struct stat status;
  const uid_t user = geteuid();
  if (user == 0 || fstat(device->directory, &status) != 0 || user == status.st_uid) return buffers;
  return buffers * hold_percent(device) / 100;
}

static long at_most(long number, long most) { return number < most ? number : most; }

uint32_t grabfsi_files_hold_words(const struct grabfs_device* device) {
  char text[32];
  if (grabfsi_read_text(device->directory, "buffers_count", text, sizeof(text)) < 0) return 1;
  const long buffers = strtol(text, NULL, 10);
  const long words = at_most(buffers - LEFT_TO_CAPTURE, share_of(device, buffers));
  return words < 1 ? 1 : (uint32_t)at_most(words, GRABFS_HOLD_WORDS);
}

int grabfsi_open_files(const struct grabfs_device* device, struct frame_set** opened) {
  struct frame_set* const set = grabfsi_new_set();
  if (set == NULL) return -ENOMEM;
  set->words = grabfsi_files_hold_words(device);
  *opened = set;
  return 0;
}

int grabfsi_files_next_sequence(const struct grabfs_device* device, uint64_t* next) {
  char status[16384];
  if (grabfsi_read_text(device->directory, "status.json", status, sizeof(status)) < 0) {
    return grabfsi_fail_errno(device, "status.json");
  }
  const char* value = grabfsi_json_value(status, "sequence");
  if (value != NULL) value = grabfsi_json_value(value, "next");
  if (value == NULL) return grabfsi_fail(EPROTO, "%s: not a device's status", device->path);
  *next = strtoull(value, NULL, 10);
  return 0;
}

// An extended attribute of a frame as text. Sets errno.
static int attribute(int file, const char* name, char* text, size_t bytes) {
  char key[64];
  snprintf(key, sizeof(key), "user.grabfs.%s", name);
  const ssize_t length = fgetxattr(file, key, text, bytes - 1);
  if (length < 0) return -1;
  text[length] = '\0';
  return 0;
}

static int number(int file, const char* name, uint64_t* value) {
  char text[32];
  if (attribute(file, name, text, sizeof(text)) != 0) return -1;
  *value = strtoull(text, NULL, 10);
  return 0;
}

static int number_32(int file, const char* name, uint32_t* value) {
  uint64_t wide;
  if (number(file, name, &wide) != 0) return -1;
  *value = (uint32_t)wide;
  return 0;
}

static int describe(int file, struct grabfs_frame* frame) {
  char format[16];
  struct stat status;
  if (number(file, "timestamp_ns", &frame->timestamp_ns) != 0 ||
      number(file, "bytes_used", &frame->bytes) != 0 ||
      number(file, "dropped", &frame->dropped) != 0 ||
      number_32(file, "flags", &frame->flags) != 0 ||
      number_32(file, "width", &frame->width) != 0 ||
      number_32(file, "height", &frame->height) != 0 ||
      number_32(file, "stride", &frame->stride) != 0 ||
      attribute(file, "format", format, sizeof(format)) != 0 || fstat(file, &status) != 0) {
    return -1;
  }
  frame->fourcc = grabfsi_parse_fourcc(format);
  frame->realtime_ns =
      (uint64_t)status.st_mtim.tv_sec * UINT64_C(1000000000) + (uint64_t)status.st_mtim.tv_nsec;
  frame->planes = grabfsi_planes(frame->fourcc, frame->stride, frame->height, frame->plane);
  return 0;
}

// All pages at once: should the daemon be killed, they are there.
static int map_frame(int file, struct held* held) {
  struct stat status;
  if (fstat(file, &status) != 0) return -1;
  void* const data =
      mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
  if (data == MAP_FAILED) return -1;
  held->own.data = data;
  held->own.bytes = (size_t)status.st_size;
  held->frame.data = data;
  return 0;
}

// Of an open frame. -EAGAIN: it is no news.
static int take_file(const struct grabfs_device* device, enum want want, int file,
                     struct held* held) {
  if (number(file, "sequence", &held->frame.sequence) != 0) {
    return grabfsi_fail_errno(device, "frames");
  }
  if (want != WANT_NEWEST && held->frame.sequence < device->position) return -EAGAIN;
  if (describe(file, &held->frame) != 0 || map_frame(file, held) != 0) {
    return grabfsi_fail_errno(device, "frames");
  }
  return 0;
}

// -ENOENT: it is gone.
static int take_named(const struct grabfs_device* device, enum want want, const char* name,
                      struct held* held) {
  const int file = grabfsi_open_file(device->directory, name, O_RDONLY);
  if (file < 0) {
    if (errno == ENOENT || errno == ESTALE) return -ENOENT;
    return errno == EDQUOT ? -EDQUOT : grabfsi_fail_errno(device, name);
  }
  const int result = take_file(device, want, file, held);
  close(file);
  return result;
}

static int take_numbered(const struct grabfs_device* device, uint64_t sequence, struct held* held) {
  char name[48];
  snprintf(name, sizeof(name), "frames/%08" PRIu64 ".raw", sequence);
  return take_named(device, WANT_EACH, name, held);
}

// The lowest number from `position` on. -EAGAIN: there is none.
static int find_first(const struct grabfs_device* device, uint64_t* sequence) {
  const int file = grabfsi_open_file(device->directory, "frames", O_RDONLY | O_DIRECTORY);
  DIR* const frames = file < 0 ? NULL : fdopendir(file);
  if (frames == NULL) {
    const int result = grabfsi_fail_errno(device, "frames");
    if (file >= 0) close(file);
    return result;
  }
  int found = 0;
  for (const struct dirent* entry; (entry = readdir(frames)) != NULL;) {
    char* end;
    const uint64_t here = strtoull(entry->d_name, &end, 10);
    if (end == entry->d_name || strcmp(end, ".raw") != 0 || here < device->position) continue;
    if (!found || here < *sequence) *sequence = here;
    found = 1;
  }
  closedir(frames);
  return found ? 0 : -EAGAIN;
}

static int take_each(const struct grabfs_device* device, struct held* held) {
  int result = take_numbered(device, device->position, held);
  for (int looks = 0; result == -ENOENT && looks < LOOKS; ++looks) {
    uint64_t sequence = 0;
    result = find_first(device, &sequence);
    if (result == 0) result = take_numbered(device, sequence, held);
  }
  return result == -ENOENT ? -EBUSY : result;
}

int grabfsi_take_from_files(struct grabfs_device* device, enum want want, struct held** taken) {
  struct frame_set* const set = device->set;
  struct held* held = grabfsi_free_place(set);
  if (held == NULL) {
    // There may be more buffers by now.
    set->words = grabfsi_files_hold_words(device);
    held = grabfsi_free_place(set);
    if (held == NULL) return -EDQUOT;
  }
  int result =
      want == WANT_EACH ? take_each(device, held) : take_named(device, want, "latest.raw", held);
  if (result == -ENOENT) result = -EAGAIN;
  if (result == 0) *taken = held;
  return result;
}
