// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/v4l2/udmabuf.h"

#include <fcntl.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

constexpr char kNode[] = "/dev/udmabuf";

std::string Advice(int code) {
  if (code == ENOENT) return std::string(kNode) + ": this kernel has none";
  return std::string(kNode) + ": " + ErrnoText(code);
}

}  // namespace

UniqueFd MakeUdmabuf(int memfd, uint64_t offset, uint64_t bytes) {
  const UniqueFd node(::open(kNode, O_RDWR | O_CLOEXEC));
  if (!node.valid()) throw Error(errno == ENODEV ? ENOENT : errno, Advice(errno));
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  if (offset % page != 0 || bytes % page != 0) {
    throw Error(EINVAL, std::string(kNode) + ": " + std::to_string(bytes) + " bytes from " +
                            std::to_string(offset) + " on are no whole pages of " +
                            std::to_string(page));
  }
  udmabuf_create create = {};
  create.memfd = static_cast<uint32_t>(memfd);
  create.flags = UDMABUF_FLAGS_CLOEXEC;
  create.offset = offset;
  create.size = bytes;
  const int fd = ::ioctl(node.get(), UDMABUF_CREATE, &create);
  if (fd < 0) {
    throw Error(errno, std::string(kNode) + ": " + std::to_string(bytes) +
                           " bytes: " + ErrnoText(errno) +
                           " (/sys/module/udmabuf/parameters/size_limit_mb is the limit)");
  }
  return UniqueFd(fd);
}

}  // namespace grabfs
