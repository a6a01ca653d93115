// SPDX-License-Identifier: Apache-2.0
#include "cli/view/shared_memory.h"

#include <fcntl.h>

namespace grabfs::view {

std::unique_ptr<SharedMemory> SharedMemory::Attach(const XServer& server, int fd) {
  if (!server.takes_descriptors()) return nullptr;
  // libxcb closes what it has sent.
  const int sent = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (sent < 0) return nullptr;
  const xcb_shm_seg_t id = xcb_generate_id(server.connection());
  const auto cookie = xcb_shm_attach_fd_checked(server.connection(), id, sent, /*read_only=*/1);
  if (!server.Succeeds(cookie)) return nullptr;
  return std::unique_ptr<SharedMemory>(new SharedMemory(server, id));
}

SharedMemory::~SharedMemory() { xcb_shm_detach(server_.connection(), id_); }

}  // namespace grabfs::view
