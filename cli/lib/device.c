// SPDX-License-Identifier: Apache-2.0
//
// The handle: a device's directory, and the set of frames that is found there now.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cli/lib/internal.h"

// Where there is no ring for this program, whatever the reason, files do.
static int has_no_ring(int result) {
  switch (result) {
    case -ENOENT:
    case -ENOTDIR:
    case -EACCES:
    case -EPERM:
    case -EROFS:
    case -EISDIR:  // the kernel does not know files without a name
    case -EOPNOTSUPP:
    case -EDQUOT:  // the device has as many readers as it takes
    case -EPROTO:  // of a later version
      return 1;
    default:
      return 0;
  }
}

static int open_set(struct grabfs_device* device, struct frame_set** set) {
  int result = grabfsi_open_ring(device, set);
  if (result == 0) (*set)->reader.interrupted = &device->interrupted;
  if (!has_no_ring(result)) return result;
  result = grabfsi_open_news(device);
  return result == 0 ? grabfsi_open_files(device, set) : result;
}

int grabfsi_renew(struct grabfs_device* device) {
  struct frame_set* set;
  const int result = open_set(device, &set);
  if (result != 0) return result;
  struct frame_set* const old = device->set;
  pthread_mutex_lock(&device->set_lock);
  device->set = set;
  pthread_mutex_unlock(&device->set_lock);
  grabfsi_drop_set(old);
  if (device->keeps) grabfsi_move_cursor(device);
  return 0;
}

// Buffers may be changed at this moment, and again: for so long.
static int open_first_set(struct grabfs_device* device) {
  int result = open_set(device, &device->set);
  for (int tries = 0; result == -ESTALE && tries < 100; ++tries) {
    usleep(1000);
    result = open_set(device, &device->set);
  }
  return result == -ESTALE ? -ENODEV : result;
}

static int start(struct grabfs_device* device) {
  char direction[32];
  if (grabfsi_read_text(device->directory, "direction", direction, sizeof(direction)) < 0) {
    if (errno != ENOENT) return grabfsi_fail_errno(device, "direction");
    return grabfsi_fail(ENODEV, "%s: not a device of grabfs", device->path);
  }
  if (strcmp(direction, "output") == 0) {
    return grabfsi_fail(EOPNOTSUPP, "%s: an output device has no frames", device->path);
  }
  const int result = open_first_set(device);
  if (result != 0) return result;
  if (!grabfsi_is_ring(device->set)) return grabfsi_files_next_sequence(device, &device->position);
  device->position = __atomic_load_n(&device->set->reader.ring->next_sequence, __ATOMIC_ACQUIRE);
  return 0;
}

static int open_directory(struct grabfs_device* device, const char* path, int flags) {
  device->path = realpath(path, NULL);
  device->interruption = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (device->path != NULL && device->interruption >= 0) {
    device->directory = open(path, flags | O_PATH | O_DIRECTORY | O_CLOEXEC);
  }
  if (device->directory >= 0) return start(device);
  const int code = errno == ENOENT || errno == ENOTDIR ? ENODEV : errno;
  return grabfsi_fail(code, "%s: %s", path, strerror(errno));
}

int grabfs_open(const char* name, struct grabfs_device** opened) {
  *opened = NULL;
  char* path;
  int result = grabfsi_find_device(name, &path);
  if (result != 0) return result;
  struct grabfs_device* const device = calloc(1, sizeof(*device));
  if (device == NULL) {
    free(path);
    return grabfsi_fail(ENOMEM, "no memory");
  }
  device->directory = device->events = device->readable = device->interruption = -1;
  device->process = getpid();
  pthread_mutex_init(&device->set_lock, NULL);
  // Who names a device gets it of the mount; who gives a path means what it leads to.
  const int named = name == NULL || strchr(name, '/') == NULL;
  result = open_directory(device, path, named ? O_NOFOLLOW : 0);
  free(path);
  if (result == 0) {
    *opened = device;
  } else {
    grabfs_close(device);
  }
  return result;
}

void grabfs_close(struct grabfs_device* device) {
  if (device == NULL) return;
  grabfsi_drop_set(device->set);
  grabfsi_close_news(device);
  if (device->interruption >= 0) close(device->interruption);
  pthread_mutex_destroy(&device->set_lock);
  if (device->directory >= 0) close(device->directory);
  free(device->path);
  free(device);
}

int grabfs_hold_limit(const struct grabfs_device* device) {
  struct frame_set* const set = device->set;
  // Files of a device are one set, whatever becomes of its buffers.
  if (!grabfsi_is_ring(set)) set->words = grabfsi_files_hold_words(device);
  return (int)set->words;
}

int grabfs_fd(struct grabfs_device* device) {
  if (grabfsi_is_child(device->set)) return grabfsi_fail_child();
  const int result = grabfsi_open_news(device);
  return result == 0 ? device->readable : result;
}

const char* grabfs_path(const struct grabfs_device* device) {
  return grabfsi_is_ring(device->set) ? "ring" : "files";
}

const char* grabfs_directory(const struct grabfs_device* device) { return device->path; }
