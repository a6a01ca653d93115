// SPDX-License-Identifier: Apache-2.0
//
// The element. Its base class has the thread that calls create() again and again, and negotiates.
//
//     NULL -- start(): the device is opened, its format read -- READY to PAUSED
//          -- set_caps(): the device is set as downstream wants, if nobody captures
//          -- create(): starts the device if it is idle; then frame after frame -- PLAYING
//          -- stop(): stops what was started, closes -- PAUSED to READY
#include "cli/gst/grabfssrc.h"

#include <errno.h>
#include <time.h>

#include "cli/gst/element.h"

GST_DEBUG_CATEGORY_STATIC(grabfs_src_debug);

G_DEFINE_TYPE_WITH_CODE(GrabfsSrc, grabfs_src, GST_TYPE_PUSH_SRC,
                        GST_DEBUG_CATEGORY_INIT(grabfs_src_debug, "grabfssrc", 0,
                                                "frames of a grabfs device"))

enum { PROP_DEVICE = 1, PROP_MODE, PROP_START };

guint64 grabfs_src_monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return GST_TIMESPEC_TO_TIME(now);
}

const gchar* grabfs_src_place(const GrabfsSrc* self) {
  if (self->camera.device != NULL) return grabfs_directory(self->camera.device);
  return self->name != NULL ? self->name : "grabfs";
}

// --- The device

// What became of it, and what to do.
void grabfs_src_post_error(GrabfsSrc* self, int code) {
  const gchar* const reason = grabfs_reason();
  switch (-code) {
    case ENODEV:
    case ENOTUNIQ:
      GST_ELEMENT_ERROR(self, RESOURCE, NOT_FOUND, ("%s", reason),
                        ("\"grabfs-cli list\" shows the devices that there are."));
      break;
    case ENOTCONN:
      GST_ELEMENT_ERROR(self, RESOURCE, READ,
                        ("%s: the daemon of this mount is gone", grabfs_src_place(self)),
                        ("%s. Mount it again, then start the pipeline again.", reason));
      break;
    case EBUSY:
      GST_ELEMENT_ERROR(self, RESOURCE, BUSY, ("%s", reason),
                        ("Somebody captures from it: \"grabfs-cli stop\" ends that."));
      break;
    default:
      GST_ELEMENT_ERROR(self, RESOURCE, READ, ("%s", reason), (NULL));
  }
}

static gboolean grabfs_src_start(GstBaseSrc* base) {
  GrabfsSrc* const self = GRABFS_SRC(base);
  int result = grabfs_camera_open(&self->camera, self->name);
  if (result == 0) result = grabfs_camera_read_format(&self->camera, &self->format);
  const gboolean opened = result == 0;
  if (!opened) grabfs_src_post_error(self, result);
  self->started = self->running = self->told_copies = self->told_stopped = FALSE;
  self->given = self->lost = self->damaged = self->played_ns = 0;
  if (opened && grabfs_src_offer(self, grabfs_camera_is_idle(&self->camera) &&
                                           grabfs_camera_is_writable(&self->camera))) {
    return TRUE;
  }
  grabfs_camera_close(&self->camera);
  return FALSE;
}

static gboolean grabfs_src_stop(GstBaseSrc* base) {
  GrabfsSrc* const self = GRABFS_SRC(base);
  if (self->started) grabfs_stop(self->camera.device);
  grabfs_camera_close(&self->camera);
  gst_caps_replace(&self->caps, NULL);
  GST_OBJECT_LOCK(self);
  gst_caps_replace(&self->offered, NULL);
  GST_OBJECT_UNLOCK(self);
  return TRUE;
}

static gboolean grabfs_src_unlock(GstBaseSrc* base) {
  grabfs_camera_flush(&GRABFS_SRC(base)->camera, TRUE);
  return TRUE;
}

static gboolean grabfs_src_unlock_stop(GstBaseSrc* base) {
  grabfs_camera_flush(&GRABFS_SRC(base)->camera, FALSE);
  return TRUE;
}

static gboolean grabfs_src_query(GstBaseSrc* base, GstQuery* query) {
  GrabfsSrc* const self = GRABFS_SRC(base);
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY) {
    return GST_BASE_SRC_CLASS(grabfs_src_parent_class)->query(base, query);
  }
  GST_OBJECT_LOCK(self);
  gst_query_set_latency(query, TRUE, self->latency[0], self->latency[1]);
  GST_OBJECT_UNLOCK(self);
  return TRUE;
}

// --- The object

static void set_playing(GrabfsSrc* self, guint64 since_ns) {
  GST_OBJECT_LOCK(self);
  self->playing_ns = since_ns;
  GST_OBJECT_UNLOCK(self);
}

static GstStateChangeReturn grabfs_src_change_state(GstElement* element, GstStateChange change) {
  if (change == GST_STATE_CHANGE_PAUSED_TO_PLAYING) {
    set_playing(GRABFS_SRC(element), grabfs_src_monotonic_ns());
  } else if (change == GST_STATE_CHANGE_PLAYING_TO_PAUSED) {
    set_playing(GRABFS_SRC(element), 0);
  }
  return GST_ELEMENT_CLASS(grabfs_src_parent_class)->change_state(element, change);
}

static void grabfs_src_set_property(GObject* object, guint id, const GValue* value,
                                    GParamSpec* spec) {
  GrabfsSrc* const self = GRABFS_SRC(object);
  switch (id) {
    case PROP_DEVICE:
      g_free(self->name);
      self->name = g_value_dup_string(value);
      break;
    case PROP_MODE:
      self->mode = g_value_get_enum(value);
      break;
    case PROP_START:
      self->start = g_value_get_boolean(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static void grabfs_src_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  GrabfsSrc* const self = GRABFS_SRC(object);
  switch (id) {
    case PROP_DEVICE:
      g_value_set_string(value, self->name);
      break;
    case PROP_MODE:
      g_value_set_enum(value, self->mode);
      break;
    case PROP_START:
      g_value_set_boolean(value, self->start);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static void grabfs_src_finalize(GObject* object) {
  grabfs_camera_clear(&GRABFS_SRC(object)->camera);
  g_free(GRABFS_SRC(object)->name);
  G_OBJECT_CLASS(grabfs_src_parent_class)->finalize(object);
}

static void grabfs_src_init(GrabfsSrc* self) {
  GstBaseSrc* const base = GST_BASE_SRC(self);
  gst_base_src_set_live(base, TRUE);
  gst_base_src_set_format(base, GST_FORMAT_TIME);
  grabfs_camera_init(&self->camera);
  self->mode = GRABFS_MODE_NEXT;
  self->start = TRUE;
}

static GType mode_type(void) {
  static const GEnumValue modes[] = {
      {GRABFS_MODE_NEWEST, "As next, but begins with the frame that is there", "newest"},
      {GRABFS_MODE_NEXT, "The newest frame each time, which skips those that came meanwhile",
       "next"},
      {GRABFS_MODE_LOSSLESS, "Each frame, as long as the device has buffers", "lossless"},
      {0, NULL, NULL},
  };
  static gsize type = 0;
  if (g_once_init_enter(&type)) {
    g_once_init_leave(&type, g_enum_register_static("GrabfsSrcMode", modes));
  }
  return type;
}

static void install_properties(GObjectClass* object) {
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;
  g_object_class_install_property(
      object, PROP_DEVICE,
      g_param_spec_string("device", "Device",
                          "Its name (cam0) or directory; may be left out when there is only one",
                          NULL, flags));
  g_object_class_install_property(
      object, PROP_MODE,
      g_param_spec_enum("mode", "Mode", "Which frames", mode_type(), GRABFS_MODE_NEXT, flags));
  g_object_class_install_property(
      object, PROP_START,
      g_param_spec_boolean("start", "Start",
                           "Start a device that is stopped, and stop it at the end", TRUE, flags));
}

static void set_metadata(GstElementClass* element) {
  GstCaps* const caps = grabfs_caps_any();
  gst_element_class_add_pad_template(
      element, gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps));
  gst_caps_unref(caps);
  gst_element_class_set_static_metadata(
      element, "Frames of a grabfs device", "Source/Video",
      "Frames of a camera that grabfs has mounted, without a copy",
      "The grabfs developers <maintainers@grabfs.invalid>");
}

static void grabfs_src_class_init(GrabfsSrcClass* class) {
  G_OBJECT_CLASS(class)->set_property = grabfs_src_set_property;
  G_OBJECT_CLASS(class)->get_property = grabfs_src_get_property;
  G_OBJECT_CLASS(class)->finalize = grabfs_src_finalize;
  install_properties(G_OBJECT_CLASS(class));
  set_metadata(GST_ELEMENT_CLASS(class));
  GST_ELEMENT_CLASS(class)->change_state = grabfs_src_change_state;
  GstBaseSrcClass* const base = GST_BASE_SRC_CLASS(class);
  base->start = grabfs_src_start;
  base->stop = grabfs_src_stop;
  base->unlock = grabfs_src_unlock;
  base->unlock_stop = grabfs_src_unlock_stop;
  base->get_caps = grabfs_src_get_caps;
  base->fixate = grabfs_src_fixate;
  base->set_caps = grabfs_src_set_caps;
  base->decide_allocation = grabfs_src_decide_allocation;
  base->query = grabfs_src_query;
  GST_PUSH_SRC_CLASS(class)->create = grabfs_src_create;
}
