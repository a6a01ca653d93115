// SPDX-License-Identifier: Apache-2.0
//
// The three ways to the next frame: look, and wait between looks.
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cli/lib/internal.h"

#define NS_PER_SECOND UINT64_C(1000000000)
// A daemon that was killed wakes nobody: for how long its silence is taken for no news.
#define SILENCE_NS NS_PER_SECOND
// The daemon decides about a frame, or changes its buffers: neither is told when it is done.
#define NAP_NS UINT64_C(50000)
// For those who do not want to wait.
#define NAPS 200

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

// One call, from its first look to its last.
struct search {
  struct grabfs_device* device;
  enum want want;
  int64_t timeout_ns;
  uint64_t deadline_ns;  // 0: not known yet
  struct grabfs_ring_seen seen;
  unsigned naps;
  int drained;  // news was read away: look once more
  int bad;      // why there will be no more frames: found before the last look
};

// What is left of its time; UINT64_MAX for ever.
static uint64_t time_left(struct search* search) {
  if (search->timeout_ns < 0) return UINT64_MAX;
  const uint64_t now = now_ns();
  if (search->deadline_ns == 0) {
    const uint64_t timeout = (uint64_t)search->timeout_ns;
    search->deadline_ns = timeout < UINT64_MAX - now ? now + timeout : UINT64_MAX;
  }
  return search->deadline_ns > now ? search->deadline_ns - now : 0;
}

static int too_late(const struct search* search) {
  if (search->timeout_ns == 0) return grabfsi_fail_quickly(EAGAIN, "no frame yet");
  return grabfsi_fail_quickly(ETIMEDOUT, "no frame came in time");
}

static int fail_state(const struct grabfs_device* device) {
  char words[512];
  grabfsi_last_error(device, words, sizeof(words));
  return grabfsi_fail(EIO, "%s: %s", device->path, *words != 0 ? words : "the device has failed");
}

static int fail_gone(const struct grabfs_device* device) {
  return grabfsi_fail(ENODEV, "%s: the device is gone", device->path);
}

static int fail_dead(const struct grabfs_device* device) {
  return grabfsi_fail(ENOTCONN, "%s: the daemon of this mount is gone", device->path);
}

// What the device's own file says.
static int ask_state(const struct grabfs_device* device) {
  char state[32];
  if (grabfsi_read_text(device->directory, "state", state, sizeof(state)) < 0) {
    if (errno == ENOENT || errno == ESTALE) return fail_gone(device);
    return grabfsi_fail_errno(device, "state");
  }
  if (strcmp(state, "gone") == 0) return fail_gone(device);
  return strcmp(state, "error") == 0 ? fail_state(device) : 0;
}

// The ring does not tell of a daemon that was killed; a file does. Callers may wait for as short as
// they like.
static int ask_now_and_then(struct grabfs_device* device) {
  const uint64_t now = now_ns();
  if (now - device->asked_ns < SILENCE_NS) return 0;
  device->asked_ns = now;
  const int result = ask_state(device);
  // A daemon that ended in order has said so in the ring before it stopped to answer.
  const int ended = result == -ENOTCONN && grabfsi_is_ring(device->set) &&
                    grabfs_ring_look(&device->set->reader).state == GRABFS_STATE_GONE;
  return ended ? fail_gone(device) : result;
}

// Is there still somebody to make frames?
static int check_state(const struct search* search) {
  struct grabfs_device* const device = search->device;
  if (device->ended == -ENOTCONN) return fail_dead(device);
  if (device->ended != 0) return fail_gone(device);
  if (!grabfsi_is_ring(device->set)) return ask_state(device);
  if (search->seen.state == GRABFS_STATE_GONE) return fail_gone(device);
  if (search->seen.state == GRABFS_STATE_ERROR) return fail_state(device);
  return ask_now_and_then(device);
}

// Of a daemon that is gone `events` knows whether it ended or was killed.
static int look_at_files(struct search* search, struct held** held) {
  const int result = grabfsi_take_from_files(search->device, search->want, held);
  if (result != -ENOTCONN) return result;
  grabfsi_drain_news(search->device);
  return -EAGAIN;
}

static int look(struct search* search, struct held** held) {
  struct grabfs_device* const device = search->device;
  if (!grabfsi_is_ring(device->set)) return look_at_files(search, held);
  search->seen = grabfs_ring_look(&device->set->reader);
  // As latest.raw is none then.
  if (search->seen.state == GRABFS_STATE_GONE && search->want != WANT_EACH) return -EAGAIN;
  return grabfsi_take_from_ring(device, search->want, held);
}

static int is_interrupted(struct search* search) {
  return search->timeout_ns != 0 && grabfsi_take_interruption(search->device);
}

static int fail_interrupted(void) { return grabfsi_fail_quickly(EINTR, "interrupted"); }

static int nap(struct search* search) {
  const struct timespec time = {0, (long)NAP_NS};
  if (is_interrupted(search)) return fail_interrupted();
  if (search->timeout_ns == 0 ? ++search->naps > NAPS : time_left(search) == 0) {
    return too_late(search);
  }
  const int state = ask_now_and_then(search->device);
  if (state != 0) return state;
  return nanosleep(&time, NULL) == 0 ? 0 : fail_interrupted();
}

static int sleep_for_news(struct search* search) {
  struct grabfs_device* const device = search->device;
  if (is_interrupted(search)) return fail_interrupted();
  uint64_t time = time_left(search);
  if (time == 0) return too_late(search);
  if (time > SILENCE_NS) time = SILENCE_NS;
  const int result = grabfsi_is_ring(device->set)
                         ? grabfs_ring_wait(&device->set->reader, search->seen, time)
                         : grabfsi_await_news(device, time);
  return result == -EINTR ? fail_interrupted() : 0;
}

// There was nothing. 0: it is worth another look.
static int wait_for_news(struct search* search) {
  if (!search->drained || search->timeout_ns != 0) {
    search->drained = grabfsi_drain_news(search->device);
    if (search->drained) return 0;
  }
  if (search->bad != 0) return search->bad;
  search->bad = check_state(search);
  if (search->bad != 0) return 0;
  return sleep_for_news(search);
}

// Frames are kept for who wants each.
static void keep(struct grabfs_device* device, enum want want) {
  if (device->keeps == (want == WANT_EACH)) return;
  device->keeps = want == WANT_EACH;
  grabfsi_move_cursor(device);
}

void grabfsi_move_cursor(struct grabfs_device* device) {
  if (!grabfsi_is_ring(device->set)) return;
  if (device->keeps) {
    grabfs_ring_keep_from(&device->set->reader, device->position);
  } else {
    grabfs_ring_keep_nothing(&device->set->reader);
  }
}

static const struct grabfs_frame* give(struct grabfs_device* device, struct held* held) {
  struct grabfs_frame* const frame = &held->frame;
  const uint64_t position = device->position;
  frame->missed = frame->sequence > position ? frame->sequence - position : 0;
  device->position = frame->sequence + 1;
  grabfsi_give(held);
  if (device->keeps) grabfsi_move_cursor(device);
  return frame;
}

static int find(struct grabfs_device* device, enum want want, int64_t timeout_ns,
                const struct grabfs_frame** frame) {
  *frame = NULL;
  if (grabfsi_is_child(device->set)) return grabfsi_fail_child();
  keep(device, want);
  struct search search = {.device = device, .want = want, .timeout_ns = timeout_ns};
  for (;;) {
    struct held* held;
    int result = look(&search, &held);
    if (result == 0) {
      *frame = give(device, held);
      return 0;
    }
    if (result == -EAGAIN) {
      result = wait_for_news(&search);
    } else if (result == -EBUSY) {
      result = nap(&search);
    } else if (result == -ESTALE) {
      result = grabfsi_renew(device);
      if (result == -ESTALE) result = nap(&search);
    } else if (result == -EDQUOT) {
      result = grabfsi_fail_quickly(EDQUOT, "no more frames may be held: release one");
    }
    if (result != 0) return result;
  }
}

int grabfs_newest(struct grabfs_device* device, int64_t timeout_ns,
                  const struct grabfs_frame** frame) {
  return find(device, WANT_NEWEST, timeout_ns, frame);
}

int grabfs_next(struct grabfs_device* device, int64_t timeout_ns,
                const struct grabfs_frame** frame) {
  return find(device, WANT_NEXT, timeout_ns, frame);
}

int grabfs_each(struct grabfs_device* device, int64_t timeout_ns,
                const struct grabfs_frame** frame) {
  return find(device, WANT_EACH, timeout_ns, frame);
}

int grabfs_seek(struct grabfs_device* device, uint64_t sequence) {
  if (grabfsi_is_child(device->set)) return grabfsi_fail_child();
  device->position = sequence;
  device->set->newest_given = 0;
  if (device->keeps) grabfsi_move_cursor(device);
  return 0;
}
