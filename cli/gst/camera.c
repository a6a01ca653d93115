// SPDX-License-Identifier: Apache-2.0
//
// Finding frames. settings.c has what a device is set to.
#include "cli/gst/camera.h"

#include <errno.h>
#include <string.h>

#define WAIT_NS (1000 * G_GINT64_CONSTANT(1000000))
// Where not even one more frame may be held nobody tells when one is released.
#define RELEASE_WAIT_US (5 * G_TIME_SPAN_MILLISECOND)

void grabfs_camera_init(GrabfsCamera* camera) {
  *camera = (GrabfsCamera){.device = NULL};
  g_mutex_init(&camera->lock);
}

void grabfs_camera_clear(GrabfsCamera* camera) { g_mutex_clear(&camera->lock); }

static void replace(GrabfsCamera* camera, struct grabfs_device** here,
                    struct grabfs_device* device) {
  g_mutex_lock(&camera->lock);
  struct grabfs_device* const old = *here;
  *here = device;
  g_mutex_unlock(&camera->lock);
  grabfs_close(old);
}

int grabfs_camera_open(GrabfsCamera* camera, const gchar* name) {
  struct grabfs_device* device;
  const int result = grabfs_open(name, &device);
  camera->position = 0;
  g_atomic_int_set(&camera->flushing, FALSE);
  replace(camera, &camera->device, device);
  return result;
}

void grabfs_camera_close(GrabfsCamera* camera) {
  replace(camera, &camera->reserve, NULL);
  replace(camera, &camera->device, NULL);
}

void grabfs_camera_flush(GrabfsCamera* camera, gboolean flushing) {
  g_atomic_int_set(&camera->flushing, flushing);
  g_mutex_lock(&camera->lock);
  if (flushing && camera->device != NULL) grabfs_interrupt(camera->device);
  if (flushing && camera->reserve != NULL) grabfs_interrupt(camera->reserve);
  g_mutex_unlock(&camera->lock);
}

static gboolean is_flushing(GrabfsCamera* camera) {
  return g_atomic_int_get(&camera->flushing) != 0;
}

static int take(struct grabfs_device* device, GrabfsMode mode, const struct grabfs_frame** frame) {
  switch (mode) {
    case GRABFS_MODE_NEWEST:
      return grabfs_newest(device, WAIT_NS, frame);
    case GRABFS_MODE_NEXT:
      return grabfs_next(device, WAIT_NS, frame);
    default:
      return grabfs_each(device, WAIT_NS, frame);
  }
}

static int open_reserve(GrabfsCamera* camera) {
  struct grabfs_device* reserve;
  const int result = grabfs_open(grabfs_directory(camera->device), &reserve);
  if (result != 0) return result;
  replace(camera, &camera->reserve, reserve);
  return grabfs_seek(reserve, camera->position);
}

static int await_release(void) {
  g_usleep(RELEASE_WAIT_US);
  return -EINTR;
}

static int take_from_reserve(GrabfsCamera* camera, GrabfsMode mode,
                             const struct grabfs_frame** frame) {
  if (camera->reserve == NULL) {
    const int result = open_reserve(camera);
    return result != 0 ? result : -EINTR;  // perhaps it is being flushed
  }
  const int result = take(camera->reserve, mode, frame);
  return result == -EDQUOT ? await_release() : result;
}

// Frames before this one are no news to either of the two.
static void advance(GrabfsCamera* camera, const struct grabfs_frame* frame) {
  camera->position = frame->sequence + 1;
  if (camera->reserve == NULL) return;
  grabfs_seek(camera->device, camera->position);
  grabfs_seek(camera->reserve, camera->position);
}

int grabfs_camera_find(GrabfsCamera* camera, GrabfsMode mode, const struct grabfs_frame** frame,
                       gboolean* keep) {
  int result;
  do {
    if (is_flushing(camera)) return -ECANCELED;
    result = take(camera->device, mode, frame);
    *keep = grabfs_camera_has_ring(camera);
    if (result == -EDQUOT) {
      result = *keep ? take_from_reserve(camera, mode, frame) : await_release();
      *keep = FALSE;
    }
  } while (result == -EINTR);
  if (result != 0) return result;
  advance(camera, *frame);
  // It may have come after the flush.
  if (!is_flushing(camera)) return 0;
  grabfs_release(*frame);
  return -ECANCELED;
}

gboolean grabfs_camera_has_ring(GrabfsCamera* camera) {
  return strcmp(grabfs_path(camera->device), "ring") == 0;
}
