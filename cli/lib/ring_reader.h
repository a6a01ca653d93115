/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader's side of the ring (docs/ring.md), on a ring and a hold page that the caller has mapped.
 * It opens no file, allocates nothing, and makes no system call but the futex of
 * grabfs_ring_wait().
 *
 * Threads: one at a time for each reader, but for grabfs_ring_interrupt(). Several readers of one
 * ring need nothing of each other.
 * Errors: 0, or a negative errno.
 */
#ifndef GRABFS_RING_READER_H_
#define GRABFS_RING_READER_H_

#include <stddef.h>
#include <stdint.h>

#include "grabfs/ring.h"

#ifdef __cplusplus
extern "C" {
#endif

struct grabfs_ring_reader {
  const struct grabfs_ring_header* ring;
  struct grabfs_hold_page* page;
  uint32_t words;     /* what the page said when it was attached */
  uint32_t last_slot; /* of the last frame that was held: where to look first */
  /* The caller's, or NULL: not 0, and grabfs_ring_wait() does not sleep. */
  const uint32_t* interrupted;
};

/* A frame that is held: what its slot says of it. */
struct grabfs_ring_frame {
  uint64_t sequence;
  uint64_t timestamp_ns;
  uint64_t realtime_ns;
  uint64_t bytes_used;
  uint64_t dropped;
  uint32_t flags;
  uint32_t slot;
};

/*
 * The two mappings belong together, and are what this code knows; both must outlive the reader.
 * -EPROTO: one of them is something else, or of another version. -ESTALE: the page is of another
 * ring, or the ring is superseded: open everything again.
 */
int grabfs_ring_attach(struct grabfs_ring_reader* reader, const void* ring, size_t ring_bytes,
                       void* page, size_t page_bytes);

/*
 * Holds the newest frame with word `word` (less than reader->words), which must not hold one.
 * -EAGAIN: there is none: wait. -EBUSY: the daemon has been interrupted while it decided about the
 * frame; try again in a moment, for its decision is no news to wait for. -ESTALE: the ring is
 * superseded.
 */
int grabfs_ring_hold_newest(struct grabfs_ring_reader* reader, uint32_t word,
                            struct grabfs_ring_frame* frame);

/*
 * Holds the first frame whose sequence number is at least `from`; frame->sequence - from frames are
 * lost. The same errors. While the cursor is at `from`, that frame and those behind it are kept,
 * see grabfs_ring_keep_from().
 */
int grabfs_ring_hold_next(struct grabfs_ring_reader* reader, uint32_t word, uint64_t from,
                          struct grabfs_ring_frame* frame);

/* Moves the cursor: as many frames from `sequence` on as there are free words are kept. To be
 * called after the frame before is held. */
void grabfs_ring_keep_from(struct grabfs_ring_reader* reader, uint64_t sequence);
void grabfs_ring_keep_nothing(struct grabfs_ring_reader* reader);

/* Lets go. All that was read of the frame must have been read. */
void grabfs_ring_release(struct grabfs_ring_reader* reader, uint32_t word);

/* What grabfs_ring_wait() waits to see changed. */
struct grabfs_ring_seen {
  uint64_t newest;
  uint64_t state;
};
/* To be taken before looking for frames: what comes later is not missed. */
struct grabfs_ring_seen grabfs_ring_look(const struct grabfs_ring_reader* reader);

/*
 * Sleeps until there is news since `seen`. 0: there is, or there may be. -ETIMEDOUT: none within
 * `timeout_ns`. -EINTR: a signal. A daemon that was killed wakes nobody: sleep a second at most,
 * then see whether the mount lives.
 */
int grabfs_ring_wait(struct grabfs_ring_reader* reader, struct grabfs_ring_seen seen,
                     uint64_t timeout_ns);
/* By any thread, after it has set *reader->interrupted: nobody sleeps any more. */
void grabfs_ring_interrupt(struct grabfs_ring_reader* reader);

#ifdef __cplusplus
}
#endif

#endif /* GRABFS_RING_READER_H_ */
