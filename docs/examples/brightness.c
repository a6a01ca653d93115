// SPDX-License-Identifier: Apache-2.0
//
// The mean of each frame in C, without a frame skipped, by libgrabfs.
//
//     cc -o brightness brightness.c $(pkg-config --cflags --libs libgrabfs) && ./brightness cam0
//     100
#include <grabfs/grabfs.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static double mean(const struct grabfs_frame* frame) {
  const uint8_t* bytes = frame->data;
  uint64_t sum = 0;
  for (uint64_t i = 0; i < frame->bytes; ++i) sum += bytes[i];
  return (double)sum / (double)frame->bytes;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s DEVICE FRAMES\n", argv[0]);
    return 2;
  }
  struct grabfs_device* camera;
  int result = grabfs_open(argv[1], &camera);
  for (long left = strtol(argv[2], NULL, 10); result == 0 && left > 0; --left) {
    const struct grabfs_frame* frame;
    result = grabfs_each(camera, GRABFS_FOR_EVER, &frame);
    if (result != 0) break;
    printf("%" PRIu64 ": %.1f, %" PRIu64 " missed\n", frame->sequence, mean(frame), frame->missed);
    fflush(stdout);
    grabfs_release(frame);
  }
  if (result != 0) fprintf(stderr, "%s\n", grabfs_reason());
  grabfs_close(camera);
  return result == 0 ? 0 : 1;
}
