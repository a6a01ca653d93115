// SPDX-License-Identifier: Apache-2.0
#include "fusefs/fuse/passthrough.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cerrno>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/base/log.h"

namespace grabfs {
namespace {

// From include/uapi/linux/fuse.h of Linux 6.9; Debian 12's header is older. libfuse's own
// fuse_passthrough_close() wants a request, and there is none when a pool ends.
struct BackingMap {
  int32_t fd;
  uint32_t flags;
  uint64_t padding;
};
constexpr unsigned long kBackingOpen = _IOW(229, 1, BackingMap);
constexpr unsigned long kBackingClose = _IOW(229, 2, uint32_t);

// The backing id, which is above 0, or -errno.
int32_t Register(int session_fd, int backing_fd) {
  BackingMap map = {.fd = backing_fd, .flags = 0, .padding = 0};
  const int id = ioctl(session_fd, kBackingOpen, &map);
  return id < 0 ? -errno : id;
}

void Unregister(int session_fd, int32_t id) {
  auto number = static_cast<uint32_t>(id);
  (void)ioctl(session_fd, kBackingClose, &number);
}

std::string Refusal(int code) {
  switch (code) {
    case EPERM:
      return "the daemon lacks CAP_SYS_ADMIN: run it as root";
    case ENOTTY:
    case EOPNOTSUPP:
      return "this kernel has no FUSE passthrough: it came with Linux 6.9";
    default:
      return "the kernel refused a backing file: " + ErrnoText(code);
  }
}

}  // namespace

// The registration of one backing file; attached to its owner.
struct Passthrough::Registration {
  Registration(std::shared_ptr<UniqueFd> session_fd, int backing_fd)
      : session(std::move(session_fd)), id(Register(session->get(), backing_fd)) {}
  ~Registration() {
    if (id > 0) Unregister(session->get(), id);
  }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

  const std::shared_ptr<UniqueFd> session;
  const int32_t id;  // negative: refused
};

Passthrough::Passthrough(int session_fd)
    : session_(std::make_shared<UniqueFd>(
          CheckSyscall(fcntl(session_fd, F_DUPFD_CLOEXEC, 0), "dup of /dev/fuse"))) {}

DataPath Passthrough::Probe(bool wanted, bool offered) {
  if (!wanted) return {false, "switched off by -o passthrough=off"};
  if (!offered) return {false, Refusal(ENOTTY)};
  const UniqueFd file(CheckSyscall(memfd_create("grabfs-probe", MFD_CLOEXEC), "memfd_create"));
  const int32_t id = Register(session_->get(), file.get());
  if (id < 0) return {false, Refusal(-id)};
  Unregister(session_->get(), id);
  enabled_ = true;
  return {true, "readers map the very pages of the buffers"};
}

std::optional<int32_t> Passthrough::BackingId(const Backing& backing) {
  if (!enabled_) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (!*backing.attachment) {
    const auto registration = std::make_shared<Registration>(session_, backing.fd);
    if (registration->id < 0) LogWarning("passthrough of a buffer: " + Refusal(-registration->id));
    *backing.attachment = registration;
  }
  const int32_t id = std::static_pointer_cast<Registration>(*backing.attachment)->id;
  return id > 0 ? std::optional(id) : std::nullopt;
}

}  // namespace grabfs
