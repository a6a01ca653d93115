// SPDX-License-Identifier: Apache-2.0
//
// Who captures decides about the format: the others take what there is. A device that is idle is
// set as downstream wants it, if this user may do that.
#include <gst/video/video.h>

#include "cli/gst/element.h"

gboolean grabfs_src_offer(GrabfsSrc* self, gboolean settable) {
  GstCaps* caps = grabfs_caps_of(&self->format);
  if (settable) {
    GstCaps* const same_pixels = grabfs_caps_of_any_size(&self->format);
    caps = caps != NULL ? caps : gst_caps_new_empty();
    if (same_pixels != NULL) gst_caps_append(caps, same_pixels);
    gst_caps_append(caps, grabfs_caps_any());
  }
  if (caps == NULL) {
    GrabfsFourccText name;
    grabfs_fourcc_to_text(self->format.fourcc, name);
    GST_ELEMENT_ERROR(
        self, STREAM, FORMAT,
        ("%s: GStreamer has no words for the format %s: set another", grabfs_src_place(self), name),
        (NULL));
    return FALSE;
  }
  GST_OBJECT_LOCK(self);
  gst_caps_take(&self->offered, caps);
  GST_OBJECT_UNLOCK(self);
  return TRUE;
}

GstCaps* grabfs_src_get_caps(GstBaseSrc* base, GstCaps* filter) {
  GrabfsSrc* const self = GRABFS_SRC(base);
  GST_OBJECT_LOCK(self);
  GstCaps* caps = self->offered != NULL ? gst_caps_ref(self->offered) : NULL;
  GST_OBJECT_UNLOCK(self);
  if (caps == NULL) caps = gst_pad_get_pad_template_caps(GST_BASE_SRC_PAD(base));
  if (filter == NULL) return caps;
  GstCaps* const both = gst_caps_intersect_full(filter, caps, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref(caps);
  return both;
}

// Those of `caps` that are among `these`, if there are any. Takes both.
static GstCaps* prefer(GstCaps* caps, GstCaps* these) {
  if (these == NULL) return caps;
  GstCaps* const both = gst_caps_intersect(caps, these);
  gst_caps_unref(these);
  if (gst_caps_is_empty(both)) {
    gst_caps_unref(both);
    return caps;
  }
  gst_caps_unref(caps);
  return both;
}

// What downstream leaves open stays as near to what the camera is set to as it can, whatever
// downstream likes most: behind a converter it likes what needs no conversion.
GstCaps* grabfs_src_fixate(GstBaseSrc* base, GstCaps* caps) {
  const GrabfsFormat* const format = &GRABFS_SRC(base)->format;
  caps = prefer(caps, grabfs_caps_of_any_size(format));
  caps = prefer(caps, grabfs_caps_of(format));
  caps = gst_caps_make_writable(gst_caps_truncate(caps));
  GstStructure* const structure = gst_caps_get_structure(caps, 0);
  gst_structure_fixate_field_nearest_int(structure, "width", format->width);
  gst_structure_fixate_field_nearest_int(structure, "height", format->height);
  gst_structure_fixate_field_nearest_fraction(structure, "framerate", format->rate_n,
                                              format->rate_d);
  return gst_caps_fixate(caps);
}

// Who is as late as all buffers last loses nothing yet.
static void set_latency(GrabfsSrc* self) {
  GstClockTime frame = 0;
  if (self->format.rate_n > 0) {
    frame = gst_util_uint64_scale_int(GST_SECOND, self->format.rate_d, self->format.rate_n);
  }
  const guint buffers = grabfs_camera_buffers(&self->camera);
  GST_OBJECT_LOCK(self);
  self->latency[0] = frame;
  self->latency[1] = frame == 0 ? GST_CLOCK_TIME_NONE : frame * MAX(buffers, 1);
  GST_OBJECT_UNLOCK(self);
}

static gboolean set_camera(GrabfsSrc* self, const GrabfsFormat* wanted) {
  const int result = grabfs_camera_set_format(&self->camera, wanted, &self->format);
  if (result != 0) {
    grabfs_src_post_error(self, result);
    return FALSE;
  }
  if (grabfs_format_is(wanted, &self->format)) return TRUE;
  GstCaps* caps = grabfs_caps_of(&self->format);
  GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS,
                    ("%s cannot be set so: take what is near, %" GST_PTR_FORMAT,
                     grabfs_src_place(self), (void*)caps),
                    (NULL));
  gst_clear_caps(&caps);
  return FALSE;
}

gboolean grabfs_src_set_caps(GstBaseSrc* base, GstCaps* caps) {
  GrabfsSrc* const self = GRABFS_SRC(base);
  GrabfsFormat wanted = self->format;
  if (!grabfs_caps_parse(caps, &wanted)) return FALSE;
  if (!grabfs_format_is(&wanted, &self->format) && !set_camera(self, &wanted)) return FALSE;
  gst_caps_replace(&self->caps, caps);
  self->usual = grabfs_layout_of_caps(caps);
  set_latency(self);
  return grabfs_src_offer(self, FALSE);
}

// Frames have memory of their own: downstream's pools stay unused.
gboolean grabfs_src_decide_allocation(GstBaseSrc* base, GstQuery* query) {
  GrabfsSrc* const self = GRABFS_SRC(base);
  self->describe = gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL) &&
                   gst_structure_has_name(gst_caps_get_structure(self->caps, 0), "video/x-raw");
  while (gst_query_get_n_allocation_pools(query) > 0) {
    gst_query_remove_nth_allocation_pool(query, 0);
  }
  return TRUE;
}
