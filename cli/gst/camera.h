/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device as a pipeline needs it: waits end when another thread says so, and frames are found
 * however many are kept downstream. One thread uses a camera, besides grabfs_camera_flush().
 *
 * Functions that return int return 0 or a negative errno; grabfs_reason() has it in words.
 */
#ifndef GRABFS_GST_CAMERA_H_
#define GRABFS_GST_CAMERA_H_

#include "cli/gst/caps.h"
#include "grabfs/grabfs.h"

typedef enum {
  GRABFS_MODE_NEWEST, /* the newest frame, given before or not */
  GRABFS_MODE_NEXT,   /* the newest frame, if it was not given before */
  GRABFS_MODE_LOSSLESS,
} GrabfsMode;

typedef struct {
  struct grabfs_device* device; /* NULL: it is closed */
  /*
   * The same device once more, opened when as many frames are kept downstream as may be held: finds
   * those that are copied. An encoder keeps dozens until it gives its first picture; to wait for
   * one of them would be to wait for ever.
   */
  struct grabfs_device* reserve;
  guint64 position; /* sequence number from which on frames are news; 0 before the first */
  gint flushing;    /* atomic */
  GMutex lock;      /* of the two devices for grabfs_camera_flush() */
} GrabfsCamera;

/* A closed one. */
void grabfs_camera_init(GrabfsCamera* camera);
/* It must be closed. */
void grabfs_camera_clear(GrabfsCamera* camera);

/* `name` as for grabfs_open(). It stays closed after an error. */
int grabfs_camera_open(GrabfsCamera* camera, const gchar* name);
/* Frames that are held stay. */
void grabfs_camera_close(GrabfsCamera* camera);

/*
 * Waits for a frame, at most a second: -ETIMEDOUT. -ECANCELED: it is being flushed. *keep is FALSE
 * if the frame must be copied and released before the next call: always, where there is no ring.
 * The memory of files may go with the daemon: whoever touched it then would get SIGBUS. Other
 * errors are those of grabfs_next() without -EDQUOT and -EINTR.
 */
int grabfs_camera_find(GrabfsCamera* camera, GrabfsMode mode, const struct grabfs_frame** frame,
                       gboolean* keep);

/* By any thread. TRUE: who waits, or comes to wait, returns at once. FALSE: no more. */
void grabfs_camera_flush(GrabfsCamera* camera, gboolean flushing);

/* What it is set to. */
int grabfs_camera_read_format(GrabfsCamera* camera, GrabfsFormat* format);
/* Sets what differs from *present; -EBUSY while it captures. *present is what it is set to then,
 * which may be something else that the camera prefers. */
int grabfs_camera_set_format(GrabfsCamera* camera, const GrabfsFormat* wanted,
                             GrabfsFormat* present);
/* Is its state "stopped", and no trigger under way? */
gboolean grabfs_camera_is_idle(GrabfsCamera* camera);
/* May this user change its format? */
gboolean grabfs_camera_is_writable(GrabfsCamera* camera);
/* Are frames memory of the camera's that outlives the daemon? */
gboolean grabfs_camera_has_ring(GrabfsCamera* camera);
/* So many frames the camera keeps for who is late. */
guint grabfs_camera_buffers(GrabfsCamera* camera);

#endif /* GRABFS_GST_CAMERA_H_ */
