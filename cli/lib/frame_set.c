// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/lib/internal.h"

#define DEVICE_BIT (UINT64_C(1) << 63)
_Static_assert(GRABFS_HOLD_WORDS < 63, "a bit for each frame, and one for the device");

// A page that is zeros in forked children.
static uint64_t* new_users(void) {
  const size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
  void* const page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return NULL;
  if (madvise(page, bytes, MADV_WIPEONFORK) != 0) {
    munmap(page, bytes);
    return NULL;
  }
  return page;
}

struct frame_set* grabfsi_new_set(void) {
  struct frame_set* const set = calloc(1, sizeof(*set));
  uint64_t* const users = set != NULL ? new_users() : NULL;
  if (users == NULL) {
    grabfsi_fail(ENOMEM, "no memory");
    free(set);
    return NULL;
  }
  *users = DEVICE_BIT;
  set->users = users;
  for (uint32_t index = 0; index < GRABFS_HOLD_WORDS; ++index) set->held[index].set = set;
  return set;
}

void grabfsi_unmap(struct mapped* mapped) {
  if (mapped->data != NULL) munmap(mapped->data, mapped->bytes);
  mapped->data = NULL;
}

int grabfsi_is_ring(const struct frame_set* set) { return set->ring.data != NULL; }

int grabfsi_is_child(const struct frame_set* set) {
  return __atomic_load_n(set->users, __ATOMIC_RELAXED) == 0;
}

static void end(struct frame_set* set) {
  for (uint32_t slot = 0; set->buffers != NULL && slot < set->reader.ring->slots; ++slot) {
    grabfsi_unmap(&set->buffers[slot]);
  }
  free(set->buffers);
  grabfsi_unmap(&set->ring);
  grabfsi_unmap(&set->page);
  munmap(set->users, (size_t)sysconf(_SC_PAGESIZE));
  free(set);
}

static void leave(struct frame_set* set, uint64_t bit) {
  if (__atomic_and_fetch(set->users, ~bit, __ATOMIC_ACQ_REL) == 0) end(set);
}

// A child has no count of who uses the set, whose memory so stays there until the child ends.
void grabfsi_drop_set(struct frame_set* set) {
  if (set == NULL || grabfsi_is_child(set)) return;
  if (set->page.data != NULL) grabfs_ring_keep_nothing(&set->reader);
  leave(set, DEVICE_BIT);
}

struct held* grabfsi_free_place(struct frame_set* set) {
  const uint64_t given = __atomic_load_n(set->users, __ATOMIC_ACQUIRE);
  const uint32_t index = (uint32_t)__builtin_ctzll(~given);
  return index < set->words ? &set->held[index] : NULL;
}

static uint32_t index_of(const struct held* held) { return (uint32_t)(held - held->set->held); }

void grabfsi_give(struct held* held) {
  __atomic_fetch_or(held->set->users, UINT64_C(1) << index_of(held), __ATOMIC_ACQ_REL);
}

void grabfs_release(const struct grabfs_frame* frame) {
  if (frame == NULL) return;
  struct held* const held = (struct held*)(uintptr_t)frame;  // its first member
  struct frame_set* const set = held->set;
  grabfsi_unmap(&held->own);
  if (grabfsi_is_child(set)) return;  // where the hold page is not mapped
  if (grabfsi_is_ring(set)) grabfs_ring_release(&set->reader, index_of(held));
  leave(set, UINT64_C(1) << index_of(held));
}
