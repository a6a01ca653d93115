/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libgrabfs: the frames of a grabfs device for programs. Frames are found, held and released
 * without system calls where the device has a ring (docs/ring.md), else by way of its files; the
 * functions are the same. It knows nothing of capture hardware, and converts no pixels.
 *
 *     struct grabfs_device* camera;
 *     const struct grabfs_frame* frame;
 *     if (grabfs_open("cam0", &camera) < 0) errx(1, "%s", grabfs_reason());
 *     while (grabfs_next(camera, GRABFS_FOR_EVER, &frame) == 0) {
 *       look_at(frame->data, frame->width, frame->height, frame->stride);
 *       grabfs_release(frame);
 *     }
 *     grabfs_close(camera);
 *
 * Errors. Functions that return int return 0 (or a number from 0 on, where it is said), or a
 * negative errno; grabfs_reason() has it in words. Each function may return
 * - ECHILD: in a child of the process that opened the device, see below
 * - EINTR: a signal handler ran while it waited, or grabfs_interrupt(). Nothing was done or lost:
 *   call it again
 * - ENODEV: no such device, or it was unplugged, or its mount ended
 * - ENOTCONN: the daemon was killed, which is noticed within a second
 * - EMFILE, ENFILE, ENOMEM: as anywhere
 *
 * After ENODEV and ENOTCONN the device stays as it is: close it, and open it again.
 *
 * Threads. One thread at a time may take frames of a device. Any thread may end its wait
 * (grabfs_interrupt()), read and write attributes and controls, capture, start and stop at any time
 * until it is closed. Frames may be read and released by any thread at any time. Different devices,
 * and one device that was opened several times, have nothing in common.
 *
 * fork(). The parent goes on as before. In the child each use of the device is -ECHILD: it opens
 * the device for itself. Only grabfs_release() and grabfs_close() may be called there for what the
 * parent had; they give back the child's copies, and let go of nothing for the parent. Pixels can
 * be read in the child as long as the parent holds the frame.
 *
 * Symbols are versioned; structures that the library hands out grow at their ends only.
 */
#ifndef GRABFS_GRABFS_H_
#define GRABFS_GRABFS_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct grabfs_device;

/* One of the planes of a picture. */
struct grabfs_plane {
  uint64_t offset; /* bytes from grabfs_frame.data */
  uint32_t stride; /* bytes from row to row */
  uint32_t rows;
};

/* A frame that is held: its pixels stay what they are until grabfs_release(). The library's memory.
 */
struct grabfs_frame {
  const void* data;
  uint64_t bytes;        /* of the frame: of compressed ones, what it took */
  uint64_t sequence;     /* number of the frame */
  uint64_t timestamp_ns; /* of its capture, CLOCK_MONOTONIC */
  uint64_t realtime_ns;  /* the same instant on CLOCK_REALTIME */
  /* Sequence numbers between the last frame given by this device and this one. */
  uint64_t missed;
  /* Frames that were lost directly before this one for want of a free buffer. What is missed and
   * not dropped came and went before it was asked for, or its transfer failed. */
  uint64_t dropped;
  uint32_t flags;  /* V4L2_BUF_FLAG_* */
  uint32_t fourcc; /* pixel format, as V4L2's */
  uint32_t width;  /* pixels */
  uint32_t height; /* rows */
  uint32_t stride; /* bytes from row to row of the first plane; 0: not in rows */
  uint32_t planes; /* how many of `plane` count; 0: a format that the library does not know */
  struct grabfs_plane plane[4];
};

/* Time-outs are in nanoseconds. 0: do not wait. */
#define GRABFS_FOR_EVER (-1)

/*
 * Opens a device. `device` is its directory, with a slash in it ("/mnt/grabfs/cam0"), or its name
 * ("cam0"), or NULL for the only device. Names are looked up in the mount $GRABFS_MOUNT, else in
 * the only grabfs mount of root's and one's own, else, unless root asks, in the only one of others.
 * Links that lead out of the device's directory are not followed: EXDEV. Frames that complete from
 * now on are news to grabfs_next() and grabfs_each(). *opened is the caller's, who closes it; NULL
 * after an error.
 * - ENODEV: no such mount or device
 * - ENOTUNIQ: there are several to choose from
 * - EOPNOTSUPP: an output device has no frames
 */
int grabfs_open(const char* device, struct grabfs_device** opened);

/* Frames that are held stay until they are released. NULL: does nothing. */
void grabfs_close(struct grabfs_device* device);

/*
 * The next frame to look at, held. *frame is to be given to grabfs_release(); NULL after an error.
 *
 * - grabfs_newest: the newest frame, given before or not
 * - grabfs_next: the newest frame, if it is newer than the last one given; skips those between
 * - grabfs_each: the first frame behind the last one given; skips none as long as the device has
 *   buffers. From the first call on, until grabfs_newest or grabfs_next is called, the ring keeps
 *   frames for this reader, as many as it may still hold
 *
 * They wait for a frame that is complete; `timeout_ns` negative: as long as it takes.
 * - EAGAIN: there is none, and timeout_ns is 0
 * - ETIMEDOUT: none came in time
 * - EDQUOT: as many frames are held as this device, or this user, may hold: release one
 * - EIO: the device is in the state `error`, and has no frame left to give; grabfs_reason() has its
 *   words. grabfs_start() tries again
 * - ENODEV: it is gone. grabfs_each gives what is left before
 *
 * A change of format or buffers shows in the next frame only, whose `missed` counts what went with
 * it.
 */
int grabfs_newest(struct grabfs_device* device, int64_t timeout_ns,
                  const struct grabfs_frame** frame);
int grabfs_next(struct grabfs_device* device, int64_t timeout_ns,
                const struct grabfs_frame** frame);
int grabfs_each(struct grabfs_device* device, int64_t timeout_ns,
                const struct grabfs_frame** frame);

/*
 * By any thread: one of the three functions that waits now, or else the next one that would wait,
 * returns -EINTR. Several calls count as one until then. In a forked child it does nothing. The
 * device must not be closed meanwhile.
 */
void grabfs_interrupt(struct grabfs_device* device);

/* Lets go of the frame, whose memory is gone with it. Once for each frame given, by any thread,
 * also after grabfs_close(). NULL: does nothing. */
void grabfs_release(const struct grabfs_frame* frame);

/* From now on frames from this sequence number on are news: 0 for all that are still there. */
int grabfs_seek(struct grabfs_device* device, uint64_t sequence);

/* How many frames of the device may be held at once. Changes with its number of buffers. */
int grabfs_hold_limit(const struct grabfs_device* device);

/*
 * A descriptor for poll(2) and its like: readable when there may be news since one of the three
 * functions above was last -EAGAIN. So call one with time-out 0 until it is -EAGAIN, then poll;
 * only that makes the descriptor unreadable again. Do nothing else with it; it is closed with the
 * device.
 */
int grabfs_fd(struct grabfs_device* device);

/* How frames are found: "ring", or "files". May change with the device's format. */
const char* grabfs_path(const struct grabfs_device* device);
/* The device's directory. The text lives as long as the device. */
const char* grabfs_directory(const struct grabfs_device* device);

/*
 * Reads an attribute ("rate", "format"), a control ("brightness") or "status.json", without its
 * newline. Returns its length. `text` takes at most bytes - 1 of it, and a zero: there was more
 * where the length is not less than `bytes`.
 * - ENOENT: there is no such attribute or control
 */
int grabfs_get(struct grabfs_device* device, const char* name, char* text, size_t bytes);
/*
 * Writes an attribute or a control. Done when it returns, but for "state" and "trigger", see
 * docs/mount.md.
 * - EINVAL: no such value; grabfs_reason() has the device's own words
 * - EBUSY: not while the device captures
 * - EACCES: read-only, or not for this user
 */
int grabfs_set(struct grabfs_device* device, const char* name, const char* text);
/* The same for whole numbers. -EPROTO: it is none. -ERANGE: it does not fit. */
int grabfs_get_number(struct grabfs_device* device, const char* name, int64_t* number);
int grabfs_set_number(struct grabfs_device* device, const char* name, int64_t number);

/* Captures so many frames by software trigger; returns when the command is accepted. -EBUSY: it is
 * streaming. */
int grabfs_capture(struct grabfs_device* device, uint32_t frames);
/* Starts and stops streaming. */
int grabfs_start(struct grabfs_device* device);
int grabfs_stop(struct grabfs_device* device);

/* Why the last function that failed in this thread did, in a line. Never NULL; the text lives until
 * the thread's next call into the library. */
const char* grabfs_reason(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* GRABFS_GRABFS_H_ */
