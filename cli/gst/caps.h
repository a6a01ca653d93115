/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pixel formats of grabfs in GStreamer's words. One table; no device is asked here.
 */
#ifndef GRABFS_GST_CAPS_H_
#define GRABFS_GST_CAPS_H_

#include <gst/gst.h>

/* What a device is set to. */
typedef struct {
  guint32 fourcc; /* as V4L2's */
  gint width;     /* pixels */
  gint height;    /* rows */
  gint rate_n;    /* frames per second; 0: they come as they come */
  gint rate_d;
} GrabfsFormat;

gboolean grabfs_format_is(const GrabfsFormat* format, const GrabfsFormat* other);

/* Four characters and a zero. */
typedef gchar GrabfsFourccText[5];

/* All formats that there are words for, of any size and rate. The caller's. */
GstCaps* grabfs_caps_any(void);
/* Fixed caps; the caller's. NULL: GStreamer has no word for the format. */
GstCaps* grabfs_caps_of(const GrabfsFormat* format);
/* The same with any size and rate. */
GstCaps* grabfs_caps_of_any_size(const GrabfsFormat* format);
/* The format of fixed caps. Of several with the same pixels it is that of *format, if that is one
 * of them. FALSE: there is none. */
gboolean grabfs_caps_parse(GstCaps* caps, GrabfsFormat* format);

/* As the attribute `format` has it: without blanks at the end. */
void grabfs_fourcc_to_text(guint32 fourcc, GrabfsFourccText text);
guint32 grabfs_fourcc_from_text(const gchar* text);

/* "30", "29.97", "30000/1001". FALSE: it is no rate. */
gboolean grabfs_rate_from_text(const gchar* text, GrabfsFormat* format);

#endif /* GRABFS_GST_CAPS_H_ */
