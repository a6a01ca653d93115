/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of DEVICE/ring and of a reader's hold page: frames found, held and released through
 * shared memory. docs/ring.md is the protocol, and the proof that no frame is torn; who holds
 * frames by this header alone must have read it.
 *
 *   struct grabfs_ring_header    the daemon writes, everybody reads
 *   struct grabfs_ring_slot      the same, one for each buffer
 *   struct grabfs_hold_page      one for each reader, who writes from `waiting` on; the daemon
 * reads that
 *
 * Owner of each generation is the daemon, of each word of `held` the reader whose page it is:
 *
 *     reader  store g into held[k] ; load generation again, it is g ; read pixels ; store 0 into
 * held[k] daemon  store generation undecided ; load all words, none has g ; store generation none ;
 * fill
 *
 * The first two accesses of each line are sequentially consistent. Every field that changes is read
 * and written with atomics (__atomic_*, or std::atomic_ref), never plainly. Versions grow at the
 * end of the header and of the slot: find slots with grabfs_ring_slot_at().
 *
 * For C and C++. Needs lock-free 64-bit atomics.
 */
#ifndef GRABFS_RING_H_
#define GRABFS_RING_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GRABFS_RING_MAGIC UINT64_C(0x474e495253464247)      /* "GBFSRING", low byte first */
#define GRABFS_HOLD_PAGE_MAGIC UINT64_C(0x45474150444c4f48) /* "HOLDPAGE" */
#define GRABFS_RING_VERSION 1
#define GRABFS_HOLD_WORDS 6 /* at most; the daemon grants that or less */

/* A generation: the number of the filling, the slot, the state. */
#define GRABFS_SLOT_SHIFT 2
#define GRABFS_SLOT_BITS 16
#define GRABFS_NUMBER_SHIFT 18
enum grabfs_slot_state {
  GRABFS_SLOT_READY = 0,     /* a complete frame, which may be held */
  GRABFS_SLOT_UNDECIDED = 1, /* the daemon is looking whether it is held: look again */
  GRABFS_SLOT_NONE = 2,      /* no frame */
  GRABFS_SLOT_UNLINKED = 3,  /* a complete frame for those who hold it, and nobody else */
};

/* Values of `newest` that are no generation. */
#define GRABFS_NEWEST_NONE UINT64_C(0)
#define GRABFS_NEWEST_SUPERSEDED UINT64_C(1) /* the device has another ring */

/* Values of `state`. */
#define GRABFS_STATE_STOPPED UINT64_C(0)
#define GRABFS_STATE_STREAMING UINT64_C(1)
#define GRABFS_STATE_ERROR UINT64_C(2)
#define GRABFS_STATE_GONE UINT64_C(3) /* unplugged: no frame will come */

struct grabfs_ring_header {
  uint64_t magic;
  uint32_t version;
  uint32_t header_bytes; /* offset of slot 0 */
  uint32_t slot_bytes;   /* from slot to slot */
  uint32_t slots;
  uint64_t ring; /* inode number of this file */
  uint32_t fourcc;
  uint32_t width;       /* pixels */
  uint32_t height;      /* lines */
  uint32_t stride;      /* bytes; 0: not in lines */
  uint64_t frame_bytes; /* of a whole frame */
  uint64_t reserved;
  /* Offset 64: what changes. */
  uint64_t newest;        /* a generation, ready, or GRABFS_NEWEST_* */
  uint64_t state;         /* GRABFS_STATE_* */
  uint64_t next_sequence; /* frames with lower numbers are here, were here, or are lost */
  uint64_t dropped;       /* frames lost for want of a buffer */
  uint64_t reserved2[4];
};

struct grabfs_ring_slot {
  uint64_t generation;
  uint64_t sequence;
  uint64_t timestamp_ns; /* CLOCK_MONOTONIC */
  uint64_t realtime_ns;  /* the same instant on CLOCK_REALTIME */
  uint64_t bytes_used;
  uint64_t dropped; /* frames lost directly before this one */
  uint64_t inode;   /* of buffers/NNN.raw; never changes */
  uint32_t flags;   /* V4L2_BUF_FLAG_* */
  uint32_t reserved;
};

struct grabfs_hold_page {
  uint64_t magic;
  uint32_t version;
  uint32_t words; /* of `held` that count */
  uint64_t ring;  /* grabfs_ring_header.ring of the ring that it belongs to */
  uint64_t reserved[5];
  /* Offset 64: the reader's. */
  uint32_t waiting; /* a futex: 1, the reader waits; the daemon sets it to 0 and wakes one thread */
  uint32_t reserved2;
  uint64_t
      cursor; /* 1 + the sequence number from which on frames are kept for the reader; 0: none */
  uint64_t held[GRABFS_HOLD_WORDS];
};

static inline uint64_t grabfs_generation(uint64_t number, uint32_t slot, uint32_t state) {
  return number << GRABFS_NUMBER_SHIFT | (uint64_t)slot << GRABFS_SLOT_SHIFT | state;
}

static inline uint32_t grabfs_generation_slot(uint64_t generation) {
  return (uint32_t)(generation >> GRABFS_SLOT_SHIFT) & ((1U << GRABFS_SLOT_BITS) - 1);
}

static inline enum grabfs_slot_state grabfs_generation_state(uint64_t generation) {
  return (enum grabfs_slot_state)(generation & ((1U << GRABFS_SLOT_SHIFT) - 1));
}

/* The same filling of the same slot, whatever the states. */
static inline int grabfs_same_filling(uint64_t one, uint64_t other) {
  return one >> GRABFS_SLOT_SHIFT == other >> GRABFS_SLOT_SHIFT;
}

/* The slot must be less than ring->slots. */
static inline const struct grabfs_ring_slot* grabfs_ring_slot_at(
    const struct grabfs_ring_header* ring, uint32_t slot) {
  const unsigned char* const first = (const unsigned char*)ring + ring->header_bytes;
  return (const struct grabfs_ring_slot*)(const void*)(first + (uint64_t)slot * ring->slot_bytes);
}

#ifdef __cplusplus
}
#endif

#endif /* GRABFS_RING_H_ */
