// SPDX-License-Identifier: Apache-2.0
//
// The streaming thread: it finds a frame, gives it the time of its capture, and counts what was
// lost.
#include <errno.h>

#include "cli/gst/element.h"

// A device whose triggers somebody counts is not started, nor one that is not ours to start.
static gboolean begin(GrabfsSrc* self) {
  if (self->running) return TRUE;
  self->running = TRUE;
  if (!self->start || !grabfs_camera_is_idle(&self->camera)) return TRUE;
  const int result = grabfs_start(self->camera.device);
  if (result == -EACCES || result == -EROFS) {
    GST_ELEMENT_WARNING(
        self, RESOURCE, OPEN_WRITE,
        ("%s is stopped, and may not be started by this user", grabfs_src_place(self)), (NULL));
    return TRUE;
  }
  self->started = result == 0;
  if (!self->started) grabfs_src_post_error(self, result);
  return self->started;
}

static void tell_if_stopped(GrabfsSrc* self) {
  if (!self->start || self->told_stopped || !grabfs_camera_is_idle(&self->camera)) return;
  self->told_stopped = TRUE;
  GST_ELEMENT_WARNING(
      self, RESOURCE, READ,
      ("%s was stopped: no frame comes until it is started", grabfs_src_place(self)),
      ("\"grabfs-cli start\" does that."));
}

static void tell_of_copies(GrabfsSrc* self) {
  if (self->told_copies || !grabfs_camera_has_ring(&self->camera)) return;
  self->told_copies = TRUE;
  // gst-launch-1.0 prints the second text only.
  GST_ELEMENT_INFO(
      self, RESOURCE, NO_SPACE_LEFT, ("Some frames are copied"),
      ("%s: downstream keeps %d frames, and more may not be held: others are copied. A "
       "larger buffers_count avoids it.",
       grabfs_src_place(self), grabfs_hold_limit(self->camera.device)));
}

static guint64 playing_since(GrabfsSrc* self) {
  GST_OBJECT_LOCK(self);
  const guint64 since = self->playing_ns;
  GST_OBJECT_UNLOCK(self);
  return since;
}

// What comes after the last frame: recordings are closed in order when a camera is unplugged.
static GstFlowReturn end(GrabfsSrc* self, int code) {
  if (code == -ECANCELED) return GST_FLOW_FLUSHING;
  if (code == -ENODEV) {
    GST_ELEMENT_WARNING(self, RESOURCE, NOT_FOUND,
                        ("%s is gone: the stream ends", grabfs_src_place(self)),
                        ("%s", grabfs_reason()));
    return GST_FLOW_EOS;
  }
  grabfs_src_post_error(self, code);
  return GST_FLOW_ERROR;
}

// Frames from before the pipeline played, or while it was paused, have no time in it. But who wants
// the newest frame gets the one that is there.
static gboolean is_due(GrabfsSrc* self, GrabfsMode mode, const struct grabfs_frame* frame) {
  const guint64 since = playing_since(self);
  return since != 0 && (mode == GRABFS_MODE_NEWEST || frame->timestamp_ns >= since);
}

static GrabfsMode present_mode(GrabfsSrc* self) {
  if (self->mode != GRABFS_MODE_NEWEST) return (GrabfsMode)self->mode;
  const guint64 since = playing_since(self);
  return since == 0 || since == self->played_ns ? GRABFS_MODE_NEXT : GRABFS_MODE_NEWEST;
}

// The base class does not end a wait when the pipeline is paused: what comes in a pause is let go,
// so that none is kept for who does not want it.
static GstFlowReturn find(GrabfsSrc* self, const struct grabfs_frame** frame, gboolean* keep) {
  for (;;) {
    const GrabfsMode mode = present_mode(self);
    const int result = grabfs_camera_find(&self->camera, mode, frame, keep);
    if (result == -ETIMEDOUT) {
      tell_if_stopped(self);
      continue;
    }
    if (result != 0) return end(self, result);
    const gboolean due = is_due(self, mode, *frame);
    if (due && grabfs_frame_is_whole(*frame)) return GST_FLOW_OK;
    if (due) ++self->damaged;
    grabfs_release(*frame);
  }
}

static gboolean is_of(const struct grabfs_frame* frame, const GrabfsFormat* format) {
  return frame->fourcc == format->fourcc && (gint)frame->width == format->width &&
         (gint)frame->height == format->height;
}

// The camera has another format than before: so has the stream.
static gboolean follow(GrabfsSrc* self, const struct grabfs_frame* frame) {
  GrabfsFormat now = self->format;
  if (is_of(frame, &now)) return TRUE;
  grabfs_camera_read_format(&self->camera, &now);  // for its rate
  now.fourcc = frame->fourcc;
  now.width = (gint)frame->width;
  now.height = (gint)frame->height;
  self->format = now;
  if (!grabfs_src_offer(self, FALSE)) return FALSE;
  if (gst_base_src_negotiate(GST_BASE_SRC(self))) return TRUE;
  GST_ELEMENT_ERROR(self, STREAM, FORMAT,
                    ("%s has changed its format to %dx%d, and downstream does not take it",
                     grabfs_src_place(self), now.width, now.height),
                    ("%" GST_PTR_FORMAT, (void*)self->offered));
  return FALSE;
}

// --- Times

// The system's clock may be slaved to another one. Of other clocks it is only known what they show
// now.
static GstClockTime on_clock(GstClock* clock, guint64 captured_ns) {
  GstClockType type = GST_CLOCK_TYPE_OTHER;
  if (G_OBJECT_TYPE(clock) == GST_TYPE_SYSTEM_CLOCK) g_object_get(clock, "clock-type", &type, NULL);
  if (type != GST_CLOCK_TYPE_MONOTONIC) {
    const GstClockTimeDiff age = GST_CLOCK_DIFF(captured_ns, grabfs_src_monotonic_ns());
    const GstClockTime now = gst_clock_get_time(clock);
    return age < 0 || (GstClockTime)age < now ? now - (GstClockTime)age : 0;
  }
  GST_OBJECT_LOCK(clock);
  const GstClockTime time = gst_clock_adjust_unlocked(clock, captured_ns);
  GST_OBJECT_UNLOCK(clock);
  return time;
}

static GstClockTime running_time(GrabfsSrc* self, guint64 captured_ns) {
  GstClock* const clock = gst_element_get_clock(GST_ELEMENT(self));
  if (clock == NULL) return GST_CLOCK_TIME_NONE;
  const GstClockTime base = gst_element_get_base_time(GST_ELEMENT(self));
  const GstClockTime time = on_clock(clock, captured_ns);
  gst_object_unref(clock);
  return time > base ? time - base : 0;
}

static void post_lost(GrabfsSrc* self, const GstBuffer* buffer, guint64 lost) {
  const GstClockTime duration = GST_BUFFER_DURATION(buffer);
  GstMessage* const message = gst_message_new_qos(
      GST_OBJECT(self), TRUE, GST_BUFFER_PTS(buffer), GST_BUFFER_PTS(buffer),
      GST_BUFFER_PTS(buffer), GST_CLOCK_TIME_IS_VALID(duration) ? lost * duration : duration);
  gst_message_set_qos_stats(message, GST_FORMAT_BUFFERS, self->given, self->lost);
  gst_element_post_message(GST_ELEMENT(self), message);
}

// How many frames are missing before this one. What came in a pause is no loss.
static guint64 count_lost(GrabfsSrc* self, const struct grabfs_frame* frame, guint64 since) {
  const guint64 lost = self->damaged + (since == self->played_ns ? frame->missed : 0);
  self->damaged = 0;
  self->played_ns = since;
  self->lost += lost;
  return lost;
}

// Everything that comes from the frame and is not pixels.
struct stamp {
  GstClockTime pts;
  guint64 sequence, lost;
  gboolean discont;
};

static struct stamp stamp_of(GrabfsSrc* self, const struct grabfs_frame* frame) {
  const guint64 since = playing_since(self);
  struct stamp stamp = {.sequence = frame->sequence};
  stamp.pts = running_time(self, MAX(frame->timestamp_ns, since));
  const gboolean resumed = since != self->played_ns;
  stamp.lost = count_lost(self, frame, since);
  stamp.discont = resumed || stamp.lost > 0;
  return stamp;
}

static void put_stamp(GrabfsSrc* self, GstBuffer* buffer, const struct stamp* stamp) {
  GST_BUFFER_PTS(buffer) = stamp->pts;
  GST_BUFFER_DURATION(buffer) = self->latency[0] > 0 ? self->latency[0] : GST_CLOCK_TIME_NONE;
  GST_BUFFER_OFFSET(buffer) = stamp->sequence;
  GST_BUFFER_OFFSET_END(buffer) = stamp->sequence + 1;
  if (stamp->discont) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  ++self->given;
  if (stamp->lost > 0) post_lost(self, buffer, stamp->lost);
}

GstFlowReturn grabfs_src_create(GstPushSrc* push, GstBuffer** buffer) {
  GrabfsSrc* const self = GRABFS_SRC(push);
  const struct grabfs_frame* frame;
  gboolean keep;
  if (!begin(self)) return GST_FLOW_ERROR;
  const GstFlowReturn flow = find(self, &frame, &keep);
  if (flow != GST_FLOW_OK) return flow;
  if (!follow(self, frame)) {
    grabfs_release(frame);
    return GST_FLOW_NOT_NEGOTIATED;
  }
  if (!keep) tell_of_copies(self);
  const struct stamp stamp = stamp_of(self, frame);
  *buffer = grabfs_buffer_of(frame, self->caps, &self->usual, self->describe, keep);
  put_stamp(self, *buffer, &stamp);
  return GST_FLOW_OK;
}
