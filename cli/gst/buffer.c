// SPDX-License-Identifier: Apache-2.0
#include "cli/gst/buffer.h"

#include <gst/video/video.h>
#include <linux/videodev2.h>
#include <string.h>

static GrabfsLayout layout_of_raw(const GstVideoInfo* info) {
  GrabfsLayout layout = {.planes = GST_VIDEO_INFO_N_PLANES(info),
                         .bytes = GST_VIDEO_INFO_SIZE(info)};
  for (guint plane = 0; plane < layout.planes; ++plane) {
    layout.offset[plane] = GST_VIDEO_INFO_PLANE_OFFSET(info, plane);
    layout.stride[plane] = GST_VIDEO_INFO_PLANE_STRIDE(info, plane);
  }
  return layout;
}

// Of Bayer pictures elements expect what they expect of grey ones.
static GrabfsLayout layout_of_bayer(const GstStructure* bayer) {
  gint width = 0;
  gint height = 0;
  gst_structure_get_int(bayer, "width", &width);
  gst_structure_get_int(bayer, "height", &height);
  const gchar* const format = gst_structure_get_string(bayer, "format");
  GstVideoInfo grey;
  gst_video_info_set_format(
      &grey, g_str_has_suffix(format, "le") ? GST_VIDEO_FORMAT_GRAY16_LE : GST_VIDEO_FORMAT_GRAY8,
      (guint)width, (guint)height);
  return layout_of_raw(&grey);
}

GrabfsLayout grabfs_layout_of_caps(GstCaps* caps) {
  const GstStructure* const structure = gst_caps_get_structure(caps, 0);
  GstVideoInfo info;
  if (gst_structure_has_name(structure, "video/x-bayer")) return layout_of_bayer(structure);
  if (gst_structure_has_name(structure, "video/x-raw") && gst_video_info_from_caps(&info, caps)) {
    return layout_of_raw(&info);
  }
  return (GrabfsLayout){.planes = 0};
}

// Formats that libgrabfs knows no planes of have one, or are compressed.
static struct grabfs_plane plane_of(const struct grabfs_frame* frame, guint plane) {
  if (frame->planes != 0) return frame->plane[plane];
  return (struct grabfs_plane){0, frame->stride, frame->height};
}

static guint planes_of(const struct grabfs_frame* frame) {
  return frame->planes == 0 && frame->stride != 0 ? 1 : frame->planes;
}

gboolean grabfs_frame_is_whole(const struct grabfs_frame* frame) {
  const guint planes = planes_of(frame);
  if (planes == 0) return frame->bytes > 0;
  const struct grabfs_plane last = plane_of(frame, planes - 1);
  return frame->bytes >= last.offset + (guint64)last.stride * last.rows;
}

static gboolean lies_as(const struct grabfs_frame* frame, const GrabfsLayout* usual) {
  for (guint plane = 0; plane < usual->planes; ++plane) {
    const struct grabfs_plane here = plane_of(frame, plane);
    if (here.offset != usual->offset[plane] || (gint)here.stride != usual->stride[plane]) {
      return FALSE;
    }
  }
  return TRUE;
}

static void release(gpointer frame) { grabfs_release(frame); }

static GstBuffer* wrap(const struct grabfs_frame* frame) {
  // Neither frame nor pixels are written: the memory is read-only.
  union {
    const void* constant;
    gpointer plain;
  } data = {frame->data}, owner = {frame};
  return gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, data.plain, frame->bytes, 0,
                                     frame->bytes, owner.plain, release);
}

// Picks the first planes.
static void describe_planes(GstBuffer* buffer, const struct grabfs_frame* frame, GstCaps* caps) {
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, caps)) return;
  gsize offset[GST_VIDEO_MAX_PLANES] = {0};
  gint stride[GST_VIDEO_MAX_PLANES] = {0};
  for (guint plane = 0; plane < GST_VIDEO_INFO_N_PLANES(&info); ++plane) {
    offset[plane] = plane_of(frame, plane).offset;
    stride[plane] = (gint)plane_of(frame, plane).stride;
  }
  gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(&info),
                                 frame->width, frame->height, GST_VIDEO_INFO_N_PLANES(&info),
                                 offset, stride);
}

static void copy_plane(const struct grabfs_frame* frame, const GrabfsLayout* to, guint plane,
                       guint8* bytes) {
  const struct grabfs_plane from = plane_of(frame, plane);
  const guint8* const source = (const guint8*)frame->data + from.offset;
  const gsize row_bytes = MIN(from.stride, (guint)to->stride[plane]);
  for (guint row = 0; row < from.rows; ++row) {
    const gsize at = to->offset[plane] + (gsize)row * (gsize)to->stride[plane];
    if (at + row_bytes > to->bytes) return;
    memcpy(bytes + at, source + (gsize)row * from.stride, row_bytes);
  }
}

static GstBuffer* copy_rows(const struct grabfs_frame* frame, const GrabfsLayout* to) {
  guint8* const bytes = g_malloc0(to->bytes);
  for (guint plane = 0; plane < to->planes; ++plane) copy_plane(frame, to, plane, bytes);
  return gst_buffer_new_wrapped(bytes, to->bytes);
}

GstBuffer* grabfs_buffer_of(const struct grabfs_frame* frame, GstCaps* caps,
                            const GrabfsLayout* usual, gboolean describe, gboolean keep) {
  const gboolean as_usual = lies_as(frame, usual);
  const gboolean damaged = (frame->flags & V4L2_BUF_FLAG_ERROR) != 0;
  GstBuffer* buffer;
  if (!as_usual && !describe) {
    buffer = copy_rows(frame, usual);
    grabfs_release(frame);
  } else {
    buffer = keep ? wrap(frame) : gst_buffer_new_memdup(frame->data, frame->bytes);
    if (!as_usual) describe_planes(buffer, frame, caps);
    if (!keep) grabfs_release(frame);
  }
  if (damaged) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_CORRUPTED);
  return buffer;
}
