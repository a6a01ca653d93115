// SPDX-License-Identifier: Apache-2.0
//
// Frames over the ring: opening it with its buffers, and holding frames by words of the page.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/lib/internal.h"

// Maps a file that is opened here and closed again. Its inode number goes to *inode, if that is not
// NULL. Sets errno.
static int map_file(int directory, const char* name, int flags, uint64_t* inode,
                    struct mapped* mapped) {
  const int file = grabfsi_open_file(directory, name, flags);
  if (file < 0) return -1;
  struct stat status;
  const int writable = (flags & O_ACCMODE) == O_RDWR;
  void* data = MAP_FAILED;
  if (fstat(file, &status) == 0) {
    mapped->bytes = (size_t)status.st_size;
    if (inode != NULL) *inode = status.st_ino;
    data = mmap(NULL, mapped->bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
                file, 0);
  }
  grabfsi_close_quietly(file);
  if (data == MAP_FAILED) return -1;
  mapped->data = data;
  return 0;
}

// What is missing has gone with its set of buffers.
static int map_buffers(const struct grabfs_device* device, struct frame_set* set) {
  const struct grabfs_ring_header* const ring = set->reader.ring;
  set->buffers = calloc(ring->slots, sizeof(*set->buffers));
  if (set->buffers == NULL) return grabfsi_fail(ENOMEM, "no memory");
  for (uint32_t slot = 0; slot < ring->slots; ++slot) {
    char name[32];
    uint64_t inode;
    snprintf(name, sizeof(name), "buffers/%03" PRIu32 ".raw", slot);
    if (map_file(device->directory, name, O_RDONLY, &inode, &set->buffers[slot]) != 0) {
      if (errno == ENOENT) errno = ESTALE;
      return grabfsi_fail_errno(device, name);
    }
    if (inode != grabfs_ring_slot_at(ring, slot)->inode ||
        set->buffers[slot].bytes < ring->frame_bytes) {
      return grabfsi_fail(ESTALE, "%s: its buffers are being changed", device->path);
    }
  }
  return 0;
}

// What all frames of the set have in common.
static void describe_frames(struct frame_set* set) {
  const struct grabfs_ring_header* const ring = set->reader.ring;
  for (uint32_t index = 0; index < GRABFS_HOLD_WORDS; ++index) {
    struct grabfs_frame* const frame = &set->held[index].frame;
    frame->fourcc = ring->fourcc;
    frame->width = ring->width;
    frame->height = ring->height;
    frame->stride = ring->stride;
    frame->planes = grabfsi_planes(ring->fourcc, ring->stride, ring->height, frame->plane);
  }
}

static int fill_set(const struct grabfs_device* device, struct frame_set* set) {
  if (map_file(device->directory, "ring", O_RDONLY, NULL, &set->ring) != 0) {
    return grabfsi_fail_errno(device, "ring");
  }
  if (map_file(device->directory, "readers", O_TMPFILE | O_RDWR, NULL, &set->page) != 0) {
    return grabfsi_fail_errno(device, "readers");
  }
  if (madvise(set->page.data, set->page.bytes, MADV_DONTFORK) != 0) {
    return grabfsi_fail_errno(device, "readers");
  }
  const int attached = grabfs_ring_attach(&set->reader, set->ring.data, set->ring.bytes,
                                          set->page.data, set->page.bytes);
  if (attached < 0) return grabfsi_fail(-attached, "%s/ring: cannot be used", device->path);
  set->words = set->reader.words;
  describe_frames(set);
  return map_buffers(device, set);
}

int grabfsi_open_ring(const struct grabfs_device* device, struct frame_set** opened) {
  // The words of the ring are read whole by processors of 64 bits.
  if (sizeof(void*) < sizeof(uint64_t)) {
    return grabfsi_fail(EOPNOTSUPP, "%s/ring: for programs of 64 bits", device->path);
  }
  struct frame_set* const set = grabfsi_new_set();
  if (set == NULL) return -ENOMEM;
  const int result = fill_set(device, set);
  if (result == 0) {
    *opened = set;
  } else {
    grabfsi_drop_set(set);
  }
  return result;
}

// Frames that are the newest again, because a newer one was unlinked, are no news.
static int hold(struct grabfs_device* device, enum want want, uint32_t word,
                struct grabfs_ring_frame* frame) {
  struct frame_set* const set = device->set;
  struct grabfs_ring_reader* const reader = &set->reader;
  if (want == WANT_EACH) return grabfs_ring_hold_next(reader, word, device->position, frame);
  if (want == WANT_NEXT && grabfs_ring_look(reader).newest == set->newest_given) return -EAGAIN;
  const int result = grabfs_ring_hold_newest(reader, word, frame);
  if (result == 0 && want == WANT_NEXT && frame->sequence < device->position) {
    grabfs_ring_release(reader, word);
    return -EAGAIN;
  }
  return result;
}

int grabfsi_take_from_ring(struct grabfs_device* device, enum want want, struct held** taken) {
  struct frame_set* const set = device->set;
  struct held* const held = grabfsi_free_place(set);
  if (held == NULL) return -EDQUOT;
  const uint32_t word = (uint32_t)(held - set->held);
  struct grabfs_ring_frame found;
  const int result = hold(device, want, word, &found);
  if (result != 0) return result;
  set->newest_given = __atomic_load_n(&set->reader.page->held[word], __ATOMIC_RELAXED);
  held->frame.data = set->buffers[found.slot].data;
  held->frame.bytes = found.bytes_used;
  held->frame.sequence = found.sequence;
  held->frame.timestamp_ns = found.timestamp_ns;
  held->frame.realtime_ns = found.realtime_ns;
  held->frame.dropped = found.dropped;
  held->frame.flags = found.flags;
  *taken = held;
  return 0;
}
