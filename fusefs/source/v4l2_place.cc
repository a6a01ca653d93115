// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/v4l2_place.h"

#include <linux/videodev2.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "fusefs/base/error.h"
#include "fusefs/source/v4l2_port.h"

namespace grabfs {
namespace {

// A camera has several nodes, for pictures and for what goes with them; the kernel numbers those of
// one device.
std::string IndexOf(int fd) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0 || !S_ISCHR(status.st_mode)) return "0";
  std::ifstream file("/sys/dev/char/" + std::to_string(major(status.st_rdev)) + ":" +
                     std::to_string(minor(status.st_rdev)) + "/index");
  std::string index;
  return file >> index ? index : "0";
}

}  // namespace

std::string V4l2Place(const std::string& node) {
  const auto port = OpenV4l2Port(node);
  v4l2_capability capability = {};
  if (const int code = port->Ioctl(VIDIOC_QUERYCAP, &capability)) {
    throw Error(code, node + ": capabilities: " + ErrnoText(code));
  }
  const auto* const bus = reinterpret_cast<const char*>(capability.bus_info);
  return std::string(bus, strnlen(bus, sizeof capability.bus_info)) + " " + IndexOf(port->fd());
}

}  // namespace grabfs
