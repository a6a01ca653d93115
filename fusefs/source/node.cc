// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/node.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

std::string Advice(int code, const std::string& if_absent) {
  switch (code) {
    case ENOENT:
      return "no such device: " + if_absent;
    case EACCES:
    case EPERM:
      return "permission denied: run grabfs as root, or as a member of the node's group (video)";
    case ENODEV:
    case ENXIO:
      return "the device has been unplugged";
    default:
      return ErrnoText(code);
  }
}

}  // namespace

UniqueFd OpenNode(const std::string& path, const std::string& if_absent) {
  UniqueFd node(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (node.valid()) return node;
  const int code = errno;
  throw Error(code, path + ": " + Advice(code, if_absent));
}

int NodeIoctl(const UniqueFd& node, unsigned long command, void* argument) {
  int result;
  do {
    result = ::ioctl(node.get(), command, argument);
  } while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

}  // namespace grabfs
