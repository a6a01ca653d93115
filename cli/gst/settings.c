// SPDX-License-Identifier: Apache-2.0
//
// What a device is set to, as its attributes say.
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/gst/camera.h"

static int read_number(GrabfsCamera* camera, const gchar* name, gint* value) {
  int64_t number;
  const int result = grabfs_get_number(camera->device, name, &number);
  if (result == 0) *value = (gint)CLAMP(number, 0, G_MAXINT);
  return result;
}

int grabfs_camera_read_format(GrabfsCamera* camera, GrabfsFormat* format) {
  gchar text[64];
  int result = grabfs_get(camera->device, "format", text, sizeof(text));
  if (result < 0) return result;
  format->fourcc = grabfs_fourcc_from_text(text);
  result = grabfs_get(camera->device, "rate", text, sizeof(text));
  if (result < 0) return result;
  if (!grabfs_rate_from_text(text, format)) {
    format->rate_n = 0;
    format->rate_d = 1;
  }
  result = read_number(camera, "width", &format->width);
  return result != 0 ? result : read_number(camera, "height", &format->height);
}

static int set_size(GrabfsCamera* camera, const GrabfsFormat* wanted, const GrabfsFormat* present) {
  int result = 0;
  if (wanted->width != present->width) {
    result = grabfs_set_number(camera->device, "width", wanted->width);
  }
  if (result == 0 && wanted->height != present->height) {
    result = grabfs_set_number(camera->device, "height", wanted->height);
  }
  return result;
}

static int set_rate(GrabfsCamera* camera, const GrabfsFormat* wanted, const GrabfsFormat* present) {
  if (gst_util_fraction_compare(wanted->rate_n, wanted->rate_d, present->rate_n, present->rate_d) ==
      0) {
    return 0;
  }
  gchar text[32];
  g_snprintf(text, sizeof(text), "%d/%d", wanted->rate_n, wanted->rate_d);
  return grabfs_set(camera->device, "rate", text);
}

// A camera may choose another size when its pixels change: then that is set behind.
int grabfs_camera_set_format(GrabfsCamera* camera, const GrabfsFormat* wanted,
                             GrabfsFormat* present) {
  GrabfsFourccText fourcc;
  grabfs_fourcc_to_text(wanted->fourcc, fourcc);
  int result = 0;
  if (wanted->fourcc != present->fourcc) {
    result = grabfs_set(camera->device, "format", fourcc);
    if (result == 0) result = grabfs_camera_read_format(camera, present);
  }
  if (result == 0) result = set_size(camera, wanted, present);
  if (result == 0) result = set_rate(camera, wanted, present);
  return result != 0 ? result : grabfs_camera_read_format(camera, present);
}

gboolean grabfs_camera_is_idle(GrabfsCamera* camera) {
  gchar state[32];
  gint frames = 0;
  return grabfs_get(camera->device, "state", state, sizeof(state)) > 0 &&
         strcmp(state, "stopped") == 0 && read_number(camera, "trigger", &frames) == 0 &&
         frames == 0;
}

gboolean grabfs_camera_is_writable(GrabfsCamera* camera) {
  gchar* const file = g_build_filename(grabfs_directory(camera->device), "format", NULL);
  const gboolean writable = access(file, W_OK) == 0;
  g_free(file);
  return writable;
}

guint grabfs_camera_buffers(GrabfsCamera* camera) {
  gint buffers = 0;
  return read_number(camera, "buffers_count", &buffers) == 0 ? (guint)buffers : 0;
}
