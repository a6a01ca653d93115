// SPDX-License-Identifier: Apache-2.0
#include "cli/lib/ring_reader.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SECOND UINT64_C(1000000000)

// How often a reader looks again at what the daemon is deciding, before the caller rather does
// something else: the daemon takes less than a microsecond, but may have been interrupted, or
// killed.
enum { DECISION_LOOKS = 200 };

static uint64_t load(const uint64_t* word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }
static uint64_t acquire(const uint64_t* word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }

static void pause_a_moment(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int is_ring(const struct grabfs_ring_header* ring, size_t bytes) {
  if (bytes < sizeof(*ring) || ring->magic != GRABFS_RING_MAGIC) return 0;
  if (ring->version < GRABFS_RING_VERSION || ring->header_bytes < sizeof(*ring)) return 0;
  if (ring->slot_bytes < sizeof(struct grabfs_ring_slot) || ring->header_bytes > bytes) return 0;
  return ring->slots <= (bytes - ring->header_bytes) / ring->slot_bytes;
}

static int is_page(const struct grabfs_hold_page* page, size_t bytes) {
  if (bytes < sizeof(*page) || page->magic != GRABFS_HOLD_PAGE_MAGIC) return 0;
  return page->version == GRABFS_RING_VERSION && page->words > 0 &&
         page->words <= GRABFS_HOLD_WORDS;
}

int grabfs_ring_attach(struct grabfs_ring_reader* reader, const void* ring, size_t ring_bytes,
                       void* page, size_t page_bytes) {
  reader->ring = ring;
  reader->page = page;
  if (!is_ring(reader->ring, ring_bytes) || !is_page(reader->page, page_bytes)) return -EPROTO;
  if (reader->page->ring != reader->ring->ring) return -ESTALE;
  if (acquire(&reader->ring->newest) == GRABFS_NEWEST_SUPERSEDED) return -ESTALE;
  reader->words = reader->page->words;
  reader->last_slot = 0;
  reader->interrupted = NULL;
  return 0;
}

// Steps 1 to 3 of "Holding".
static int hold(const struct grabfs_ring_reader* reader, uint32_t word, uint64_t generation) {
  const struct grabfs_ring_slot* const slot =
      grabfs_ring_slot_at(reader->ring, grabfs_generation_slot(generation));
  __atomic_store_n(&reader->page->held[word], generation, __ATOMIC_SEQ_CST);
  if (load(&slot->generation) == generation) return 1;
  __atomic_store_n(&reader->page->held[word], 0, __ATOMIC_RELEASE);
  return 0;
}

static void describe(struct grabfs_ring_reader* reader, uint32_t index,
                     struct grabfs_ring_frame* frame) {
  const struct grabfs_ring_slot* const slot = grabfs_ring_slot_at(reader->ring, index);
  reader->last_slot = index;
  frame->sequence = acquire(&slot->sequence);
  frame->timestamp_ns = acquire(&slot->timestamp_ns);
  frame->realtime_ns = acquire(&slot->realtime_ns);
  frame->bytes_used = acquire(&slot->bytes_used);
  frame->dropped = acquire(&slot->dropped);
  frame->flags = __atomic_load_n(&slot->flags, __ATOMIC_ACQUIRE);
  frame->slot = index;
}

int grabfs_ring_hold_newest(struct grabfs_ring_reader* reader, uint32_t word,
                            struct grabfs_ring_frame* frame) {
  for (int looks = 0; looks < DECISION_LOOKS; ++looks) {
    const uint64_t newest = acquire(&reader->ring->newest);
    if (newest == GRABFS_NEWEST_NONE) return -EAGAIN;
    if (newest == GRABFS_NEWEST_SUPERSEDED) return -ESTALE;
    if (hold(reader, word, newest)) {
      describe(reader, grabfs_generation_slot(newest), frame);
      return 0;
    }
    pause_a_moment();
  }
  return -EBUSY;
}

// What one look at all slots finds.
struct found {
  uint64_t generation;  // 0: nothing
  uint64_t sequence;
  int undecided;  // there are slots that may or may not have what is looked for
};

static void look_at(const struct grabfs_ring_slot* slot, uint64_t from, struct found* found) {
  const uint64_t generation = acquire(&slot->generation);
  const enum grabfs_slot_state state = grabfs_generation_state(generation);
  if (state != GRABFS_SLOT_READY && state != GRABFS_SLOT_UNDECIDED) return;
  const uint64_t sequence = acquire(&slot->sequence);
  if (sequence < from || (found->generation != 0 && sequence >= found->sequence)) return;
  if (acquire(&slot->generation) != generation || state == GRABFS_SLOT_UNDECIDED) {
    found->undecided = 1;
    return;
  }
  found->generation = generation;
  found->sequence = sequence;
}

static struct found scan(const struct grabfs_ring_reader* reader, uint64_t from) {
  struct found found = {0, 0, 0};
  const uint32_t slots = reader->ring->slots;
  // Frames mostly come into one slot after the other.
  uint32_t index = reader->last_slot;
  for (uint32_t count = 0; count < slots; ++count) {
    index = index + 1 < slots ? index + 1 : 0;
    look_at(grabfs_ring_slot_at(reader->ring, index), from, &found);
    if (found.generation != 0 && found.sequence == from) break;
  }
  return found;
}

int grabfs_ring_hold_next(struct grabfs_ring_reader* reader, uint32_t word, uint64_t from,
                          struct grabfs_ring_frame* frame) {
  for (int looks = 0; looks < DECISION_LOOKS; ++looks) {
    if (acquire(&reader->ring->newest) == GRABFS_NEWEST_SUPERSEDED) return -ESTALE;
    struct found found = scan(reader, from);
    // The frames between have been complete before this one: they are seen now, or they are gone.
    if (found.generation != 0 && found.sequence != from) found = scan(reader, from);
    if (found.generation == 0 && !found.undecided) return -EAGAIN;
    const int certain = found.sequence == from || !found.undecided;
    if (found.generation != 0 && certain && hold(reader, word, found.generation)) {
      describe(reader, grabfs_generation_slot(found.generation), frame);
      return 0;
    }
    pause_a_moment();
  }
  return -EBUSY;
}

void grabfs_ring_keep_from(struct grabfs_ring_reader* reader, uint64_t sequence) {
  __atomic_store_n(&reader->page->cursor, sequence + 1, __ATOMIC_SEQ_CST);
}

void grabfs_ring_keep_nothing(struct grabfs_ring_reader* reader) {
  __atomic_store_n(&reader->page->cursor, 0, __ATOMIC_SEQ_CST);
}

void grabfs_ring_release(struct grabfs_ring_reader* reader, uint32_t word) {
  __atomic_store_n(&reader->page->held[word], 0, __ATOMIC_RELEASE);
}

struct grabfs_ring_seen grabfs_ring_look(const struct grabfs_ring_reader* reader) {
  const struct grabfs_ring_seen seen = {load(&reader->ring->newest), load(&reader->ring->state)};
  return seen;
}

static int has_news(const struct grabfs_ring_reader* reader, struct grabfs_ring_seen seen) {
  const struct grabfs_ring_seen now = grabfs_ring_look(reader);
  return now.newest != seen.newest || now.state != seen.state;
}

static int is_interrupted(const struct grabfs_ring_reader* reader) {
  return reader->interrupted != NULL && __atomic_load_n(reader->interrupted, __ATOMIC_SEQ_CST) != 0;
}

int grabfs_ring_wait(struct grabfs_ring_reader* reader, struct grabfs_ring_seen seen,
                     uint64_t timeout_ns) {
  uint32_t* const waiting = &reader->page->waiting;
  const struct timespec timeout = {(time_t)(timeout_ns / NS_PER_SECOND),
                                   (long)(timeout_ns % NS_PER_SECOND)};
  if (has_news(reader, seen)) return 0;
  __atomic_store_n(waiting, 1, __ATOMIC_SEQ_CST);
  int result = 0;
  if (!has_news(reader, seen) && !is_interrupted(reader) &&
      syscall(SYS_futex, waiting, FUTEX_WAIT, 1, &timeout, NULL, 0) != 0 && errno != EAGAIN) {
    result = -errno;
  }
  __atomic_store_n(waiting, 0, __ATOMIC_SEQ_CST);
  return result != 0 && has_news(reader, seen) ? 0 : result;
}

// As the daemon wakes: who sleeps has seen the word before `interrupted` was set, or sees it now.
void grabfs_ring_interrupt(struct grabfs_ring_reader* reader) {
  uint32_t* const waiting = &reader->page->waiting;
  __atomic_store_n(waiting, 0, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, waiting, FUTEX_WAKE, 1, NULL, NULL, 0);
}
