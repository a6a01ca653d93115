/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the element have in common.
 *
 *   grabfssrc.c    the object, its properties; opens and closes the device
 *   negotiation.c  caps: what the device is set to, or can be set to
 *   frames.c       frames become buffers
 */
#ifndef GRABFS_GST_ELEMENT_H_
#define GRABFS_GST_ELEMENT_H_

#include "cli/gst/buffer.h"
#include "cli/gst/camera.h"
#include "cli/gst/grabfssrc.h"

struct _GrabfsSrc {
  GstPushSrc parent;

  gchar* name;
  gint mode;
  gboolean start;

  GrabfsCamera camera;
  GrabfsFormat format; /* of the camera */
  gboolean started;    /* by this element */

  /* Of the stream, under the object's lock where others ask. */
  GstCaps* offered;        /* caps that the camera has, or can have */
  guint64 playing_ns;      /* CLOCK_MONOTONIC when it began to play; 0: it does not */
  GstClockTime latency[2]; /* minimum, maximum */

  /* Of the streaming thread. */
  GstCaps* caps;
  GrabfsLayout usual;
  gboolean describe; /* downstream looks at GstVideoMeta */
  gboolean running;  /* the first frame was asked for */
  guint64 played_ns; /* the value of playing_ns that frames were given for */
  guint64 given, lost;
  guint64 damaged; /* frames that are lost since the last buffer, beside those that did not come */
  gboolean told_copies, told_stopped;
};

/* grabfssrc.c. Where the device is. */
const gchar* grabfs_src_place(const GrabfsSrc* self);
/* Tells why the last function of libgrabfs has failed, and what to do. */
void grabfs_src_post_error(GrabfsSrc* self, int code);
guint64 grabfs_src_monotonic_ns(void);

/* negotiation.c. What can be negotiated from now on: self->format, and if the device can be set,
 * any other. FALSE: nothing, and that is told. */
gboolean grabfs_src_offer(GrabfsSrc* self, gboolean settable);
GstCaps* grabfs_src_get_caps(GstBaseSrc* base, GstCaps* filter);
GstCaps* grabfs_src_fixate(GstBaseSrc* base, GstCaps* caps);
gboolean grabfs_src_set_caps(GstBaseSrc* base, GstCaps* caps);
gboolean grabfs_src_decide_allocation(GstBaseSrc* base, GstQuery* query);

/* frames.c */
GstFlowReturn grabfs_src_create(GstPushSrc* push, GstBuffer** buffer);

#endif /* GRABFS_GST_ELEMENT_H_ */
