// SPDX-License-Identifier: Apache-2.0
//
// `events` as something that is readable when there is news: what it says is not looked at. By
// epoll(7), since a sleeping poll(2) would ask the daemon once more when the machine is about to be
// suspended, where the daemon may be frozen already.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "cli/lib/internal.h"

#define NS_PER_SECOND UINT64_C(1000000000)

// A read has at most one frame: a fast device could have one reading for ever.
enum { READS = 64 };

int grabfsi_open_news(struct grabfs_device* device) {
  if (device->events >= 0) return 0;
  const int events = grabfsi_open_file(device->directory, "events", O_RDONLY | O_NONBLOCK);
  if (events < 0) return grabfsi_fail_errno(device, "events");
  struct epoll_event readable = {.events = EPOLLIN};
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, events, &readable) != 0) {
    const int result = grabfsi_fail_errno(device, "events");
    if (epoll >= 0) close(epoll);
    close(events);
    return result;
  }
  device->events = events;
  device->readable = epoll;
  return 0;
}

void grabfsi_close_news(struct grabfs_device* device) {
  if (device->events < 0) return;
  close(device->readable);
  close(device->events);
}

int grabfsi_drain_news(struct grabfs_device* device) {
  if (device->events < 0 || device->ended != 0) return 0;
  int some = 0;
  for (int reads = 0; reads < READS; ++reads) {
    char lines[4096];
    const ssize_t got = read(device->events, lines, sizeof(lines));
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
    some = 1;
    if (got > 0) continue;
    device->ended = got < 0 && errno == ENOTCONN ? -ENOTCONN : -ENODEV;
    break;
  }
  return some;
}

int grabfsi_await_news(struct grabfs_device* device, uint64_t timeout_ns) {
  struct pollfd readable[] = {{.fd = device->readable, .events = POLLIN},
                              {.fd = device->interruption, .events = POLLIN}};
  const struct timespec timeout = {(time_t)(timeout_ns / NS_PER_SECOND),
                                   (long)(timeout_ns % NS_PER_SECOND)};
  const int ready = ppoll(readable, 2, &timeout, NULL);
  if (ready < 0) return -errno;
  eventfd_t interruptions;
  if (readable[1].revents != 0) eventfd_read(device->interruption, &interruptions);
  return ready == 0 ? -ETIMEDOUT : 0;
}

// The flag counts; the descriptor, which may be written after the flag was taken away, only wakes.
void grabfs_interrupt(struct grabfs_device* device) {
  __atomic_store_n(&device->interrupted, 1, __ATOMIC_SEQ_CST);
  eventfd_write(device->interruption, 1);
  pthread_mutex_lock(&device->set_lock);
  struct frame_set* const set = device->set;
  if (grabfsi_is_ring(set) && !grabfsi_is_child(set)) grabfs_ring_interrupt(&set->reader);
  pthread_mutex_unlock(&device->set_lock);
}

int grabfsi_take_interruption(struct grabfs_device* device) {
  if (__atomic_load_n(&device->interrupted, __ATOMIC_RELAXED) == 0) return 0;
  return __atomic_exchange_n(&device->interrupted, 0, __ATOMIC_SEQ_CST) != 0;
}
