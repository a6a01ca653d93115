/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A held frame as a buffer of GStreamer: the frame's own memory, or a copy. Knows no element.
 */
#ifndef GRABFS_GST_BUFFER_H_
#define GRABFS_GST_BUFFER_H_

#include <gst/gst.h>

#include "grabfs/grabfs.h"

/* Where the planes of a picture lie. */
typedef struct {
  guint planes; /* 0: it is not in rows */
  gsize offset[4];
  gint stride[4];
  gsize bytes; /* of all */
} GrabfsLayout;

/* What elements expect of such caps when no GstVideoMeta says otherwise. */
GrabfsLayout grabfs_layout_of_caps(GstCaps* caps);

/* Is all of the picture there? Cameras give short ones now and then. */
gboolean grabfs_frame_is_whole(const struct grabfs_frame* frame);

/*
 * A buffer without times, which is the caller's. The frame is released when the last user of the
 * buffer's memory has gone, in his thread, or here if it was copied.
 *
 * It is copied if `keep` is FALSE, and if its rows lie otherwise than in `usual` and `describe` is
 * FALSE: who takes the buffer does not look at GstVideoMeta.
 */
GstBuffer* grabfs_buffer_of(const struct grabfs_frame* frame, GstCaps* caps,
                            const GrabfsLayout* usual, gboolean describe, gboolean keep);

#endif /* GRABFS_GST_BUFFER_H_ */
