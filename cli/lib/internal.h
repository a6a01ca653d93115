/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of libgrabfs have in common.
 *
 *   device.c     the handle: open, close, which path
 *   next.c       the three ways to the next frame, and the waiting between looks
 *   frame_set.c  frames that are given, until they are released
 *   ring_path.c  finds frames over the ring          files_path.c  over events and frames/
 *   news.c       the descriptor that is readable when there is news; interruption of who waits
 *   controls.c   attributes and controls             text_file.c   files with a text, JSON
 *   mounts.c     devices by their names              planes.c      where the planes of a format lie
 *   reason.c     errors in words
 *
 * Functions return 0, or a negative errno with its reason noted.
 */
#ifndef GRABFS_INTERNAL_H_
#define GRABFS_INTERNAL_H_

#include <pthread.h>
#include <sys/types.h>

#include "cli/lib/ring_reader.h"
#include "grabfs/grabfs.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mapped {
  void* data;
  size_t bytes;
};

struct frame_set;

/* A frame that is given, or the place for one. */
struct held {
  struct grabfs_frame frame;
  struct frame_set* set;
  struct mapped own; /* unmapped when it is released; of the ring's frames empty */
};

/*
 * Frames that were found in one way, of one set of buffers: what their release needs, when the
 * device may have gone on to another set, or is closed.
 *
 * `users` has a bit for each frame that is given, and one of the device; who takes the last one
 * away ends the set. The device's thread sets bits, any thread clears them. It lies in a page that
 * is zeros in a forked child: so the child knows itself, without a system call.
 */
struct frame_set {
  uint64_t* users;
  uint32_t words; /* how many of `held` may be given at once */
  struct held held[GRABFS_HOLD_WORDS];

  /* Of the ring only. */
  struct grabfs_ring_reader reader;
  struct mapped ring;
  struct mapped page;     /* not in forked children: there it would keep the holds */
  struct mapped* buffers; /* ring->slots of them */
  uint64_t newest_given;  /* generation */
};

enum want { WANT_NEWEST, WANT_NEXT, WANT_EACH };

struct grabfs_device {
  char* path;
  int directory; /* O_PATH */
  pid_t process; /* that opened it */
  struct frame_set* set;
  uint64_t position; /* sequence number from which on frames are news */
  int keeps;         /* the cursor is set, or would be: grabfs_each was called last */
  int ended;         /* `events` came to its end: -ENODEV, -ENOTCONN */
  uint64_t asked_ns; /* when the daemon was last seen alive */
  int events;        /* -1: not opened yet */
  int readable;      /* epoll descriptor of `events` */

  /* By grabfs_interrupt(), in any thread. */
  uint32_t interrupted;
  int interruption;         /* eventfd(2), for who waits for `events` */
  pthread_mutex_t set_lock; /* of `set` while it is replaced */
};

/* reason.c. Note the reason, and return -code. */
__attribute__((format(printf, 2, 3))) int grabfsi_fail(int code, const char* format, ...);
/* With errno, about what the device has under `name`. */
int grabfsi_fail_errno(const struct grabfs_device* device, const char* name);
/* For what happens often: a constant text. */
int grabfsi_fail_quickly(int code, const char* reason);

int grabfsi_fail_child(void);

/* frame_set.c */
struct frame_set* grabfsi_new_set(void);      /* NULL: reason noted, -ENOMEM */
void grabfsi_drop_set(struct frame_set* set); /* by the device; NULL: does nothing */
int grabfsi_is_ring(const struct frame_set* set);
int grabfsi_is_child(const struct frame_set* set);
/* A place for a frame; NULL: all are given. */
struct held* grabfsi_free_place(struct frame_set* set);
/* The frame is complete, and held. */
void grabfsi_give(struct held* held);
void grabfsi_unmap(struct mapped* mapped);

/* ring_path.c, files_path.c. *set is the caller's. */
int grabfsi_open_ring(const struct grabfs_device* device, struct frame_set** set);
int grabfsi_open_files(const struct grabfs_device* device, struct frame_set** set);
/* Takes a frame if there is one. -EAGAIN: there is none. -EBUSY: look again in a moment.
 * -ESTALE: the device has another ring. */
int grabfsi_take_from_ring(struct grabfs_device* device, enum want want, struct held** held);
int grabfsi_take_from_files(struct grabfs_device* device, enum want want, struct held** held);
/* How many frames may be held at once. */
uint32_t grabfsi_files_hold_words(const struct grabfs_device* device);
/* The sequence number of the next frame. */
int grabfsi_files_next_sequence(const struct grabfs_device* device, uint64_t* next);

/* next.c. The ring keeps frames from the position on, or none. */
void grabfsi_move_cursor(struct grabfs_device* device);

/* device.c. Another path, or the same again, in place of what the device has. */
int grabfsi_renew(struct grabfs_device* device);

/* news.c */
int grabfsi_open_news(struct grabfs_device* device);
void grabfsi_close_news(struct grabfs_device* device);
/* Reads all news away: 1 if there was some, else 0. Sets device->ended. */
int grabfsi_drain_news(struct grabfs_device* device);
/* Sleeps until there is some. -ETIMEDOUT, -EINTR. */
int grabfsi_await_news(struct grabfs_device* device, uint64_t timeout_ns);
/* 1, once: grabfs_interrupt() was called. */
int grabfsi_take_interruption(struct grabfs_device* device);

/* text_file.c. openat(2) that follows no link out of the directory: a mount may be another user's,
 * who can show anything there. O_CLOEXEC is added. Sets errno: EXDEV. */
int grabfsi_open_file(int directory, const char* name, int flags);
/* Closes a descriptor; errno stays what it is. */
void grabfsi_close_quietly(int file);
/* A whole file as text, as grabfs_get() has it: its length without the newline. */
ssize_t grabfsi_read_text(int directory, const char* name, char* text, size_t bytes);
/* One write(). Both set errno and return -1. */
int grabfsi_write_text(int directory, const char* name, const char* text);
/* Where the value of the first key of that name begins, in the JSON of a status; NULL: there is
 * none. */
const char* grabfsi_json_value(const char* json, const char* key);

/* controls.c. The device's own words, "" where it has none. */
void grabfsi_last_error(const struct grabfs_device* device, char* text, size_t bytes);

/* mounts.c. The directory of a device; to be freed. */
int grabfsi_find_device(const char* name, char** directory);

/* planes.c */
uint32_t grabfsi_planes(uint32_t fourcc, uint32_t stride, uint32_t height,
                        struct grabfs_plane plane[4]);
uint32_t grabfsi_parse_fourcc(const char* name);

#ifdef __cplusplus
}
#endif

#endif /* GRABFS_INTERNAL_H_ */
