// SPDX-License-Identifier: Apache-2.0
#include "cli/gst/caps.h"

#include <string.h>

typedef struct {
  const gchar* name;  // fourcc without blanks
  const gchar* caps;
} Row;

// Y10 and Y12 are not here: GStreamer's grey of 16 bits has the most significant ones above, theirs
// are zeros. Formats that libgrabfs knows no planes of have one.
static const Row rows[] = {
    {"GREY", "video/x-raw, format=GRAY8"},
    {"Y16", "video/x-raw, format=GRAY16_LE"},
    {"YUYV", "video/x-raw, format=YUY2"},
    {"UYVY", "video/x-raw, format=UYVY"},
    {"YVYU", "video/x-raw, format=YVYU"},
    {"VYUY", "video/x-raw, format=VYUY"},
    {"RGB3", "video/x-raw, format=RGB"},
    {"BGR3", "video/x-raw, format=BGR"},
    {"BGR4", "video/x-raw, format=BGRx"},
    {"XR24", "video/x-raw, format=BGRx"},
    {"NV12", "video/x-raw, format=NV12"},
    {"P010", "video/x-raw, format=P010_10LE"},
    {"YU12", "video/x-raw, format=I420"},
    {"S010", "video/x-raw, format=I420_10LE"},
    {"422P", "video/x-raw, format=Y42B"},
    {"444P", "video/x-raw, format=Y444"},
    {"BA81", "video/x-bayer, format=bggr"},
    {"GBRG", "video/x-bayer, format=gbrg"},
    {"GRBG", "video/x-bayer, format=grbg"},
    {"RGGB", "video/x-bayer, format=rggb"},
    {"BG10", "video/x-bayer, format=bggr10le"},
    {"GB10", "video/x-bayer, format=gbrg10le"},
    {"BA10", "video/x-bayer, format=grbg10le"},
    {"RG10", "video/x-bayer, format=rggb10le"},
    {"BG12", "video/x-bayer, format=bggr12le"},
    {"GB12", "video/x-bayer, format=gbrg12le"},
    {"BA12", "video/x-bayer, format=grbg12le"},
    {"RG12", "video/x-bayer, format=rggb12le"},
    {"MJPG", "image/jpeg"},
    {"JPEG", "image/jpeg"},
    {"H264", "video/x-h264, stream-format=byte-stream, alignment=au"},
    {"HEVC", "video/x-h265, stream-format=byte-stream, alignment=au"},
};

gboolean grabfs_format_is(const GrabfsFormat* format, const GrabfsFormat* other) {
  return format->fourcc == other->fourcc && format->width == other->width &&
         format->height == other->height &&
         gst_util_fraction_compare(format->rate_n, format->rate_d, other->rate_n, other->rate_d) ==
             0;
}

void grabfs_fourcc_to_text(guint32 fourcc, GrabfsFourccText text) {
  for (int i = 0; i < 4; ++i) text[i] = (gchar)(fourcc >> 8 * i & 0xff);
  text[4] = '\0';
  g_strchomp(text);
}

guint32 grabfs_fourcc_from_text(const gchar* text) {
  const gsize length = strlen(text);
  guint32 fourcc = 0;
  for (gsize i = 0; i < 4; ++i) {
    fourcc |= (guint32)(guchar)(i < length ? text[i] : ' ') << 8 * i;
  }
  return fourcc;
}

gboolean grabfs_rate_from_text(const gchar* text, GrabfsFormat* format) {
  gchar* end;
  const gdouble value = g_ascii_strtod(text, &end);
  if (end == text || value < 0) return FALSE;
  if (*end == '/') {
    const gint64 denominator = g_ascii_strtoll(end + 1, NULL, 10);
    if (value > G_MAXINT || denominator <= 0 || denominator > G_MAXINT) return FALSE;
    format->rate_n = (gint)value;
    format->rate_d = (gint)denominator;
  } else {
    gst_util_double_to_fraction(value, &format->rate_n, &format->rate_d);
  }
  return TRUE;
}

static const Row* row_of(guint32 fourcc) {
  for (gsize i = 0; i < G_N_ELEMENTS(rows); ++i) {
    if (grabfs_fourcc_from_text(rows[i].name) == fourcc) return &rows[i];
  }
  return NULL;
}

static GstCaps* of_any_size(const Row* row) {
  GstCaps* const caps = gst_caps_from_string(row->caps);
  gst_caps_set_simple(caps, "width", GST_TYPE_INT_RANGE, 1, G_MAXINT, "height", GST_TYPE_INT_RANGE,
                      1, G_MAXINT, "framerate", GST_TYPE_FRACTION_RANGE, 0, 1, G_MAXINT, 1, NULL);
  return caps;
}

GstCaps* grabfs_caps_any(void) {
  GstCaps* all = gst_caps_new_empty();
  for (gsize i = 0; i < G_N_ELEMENTS(rows); ++i) all = gst_caps_merge(all, of_any_size(&rows[i]));
  return all;
}

GstCaps* grabfs_caps_of_any_size(const GrabfsFormat* format) {
  const Row* const row = row_of(format->fourcc);
  return row == NULL ? NULL : of_any_size(row);
}

GstCaps* grabfs_caps_of(const GrabfsFormat* format) {
  const Row* const row = row_of(format->fourcc);
  if (row == NULL) return NULL;
  GstCaps* const caps = gst_caps_from_string(row->caps);
  gst_caps_set_simple(caps, "width", G_TYPE_INT, format->width, "height", G_TYPE_INT,
                      format->height, "framerate", GST_TYPE_FRACTION, format->rate_n,
                      format->rate_d, NULL);
  return caps;
}

static gboolean is_of(const Row* row, GstCaps* caps) {
  GstCaps* const those = gst_caps_from_string(row->caps);
  const gboolean is = gst_caps_can_intersect(those, caps);
  gst_caps_unref(those);
  return is;
}

gboolean grabfs_caps_parse(GstCaps* caps, GrabfsFormat* format) {
  const GstStructure* const structure = gst_caps_get_structure(caps, 0);
  if (!gst_structure_get_int(structure, "width", &format->width) ||
      !gst_structure_get_int(structure, "height", &format->height)) {
    return FALSE;
  }
  gst_structure_get_fraction(structure, "framerate", &format->rate_n, &format->rate_d);
  const Row* const present = row_of(format->fourcc);
  if (present != NULL && is_of(present, caps)) return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS(rows); ++i) {
    if (!is_of(&rows[i], caps)) continue;
    format->fourcc = grabfs_fourcc_from_text(rows[i].name);
    return TRUE;
  }
  return FALSE;
}
