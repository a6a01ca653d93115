// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/v4l2/identity.h"

#include <linux/videodev2.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "fusefs/base/error.h"
#include "fusefs/source/v4l2/port.h"

namespace grabfs {
namespace {

// Where sysfs has a node's device; empty for what is no device node.
std::string SysfsOf(int fd) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0 || !S_ISCHR(status.st_mode)) return {};
  return "/sys/dev/char/" + std::to_string(major(status.st_rdev)) + ":" +
         std::to_string(minor(status.st_rdev));
}

// The first line; empty when there is none.
std::string ReadLine(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// A camera has several nodes, one for pictures and others for metadata. The kernel numbers the
// nodes of one device.
std::string IndexOf(const std::string& sysfs) {
  const std::string index = ReadLine(sysfs + "/index");
  return index.empty() ? "0" : index;
}

// Documentation/ABI/testing/sysfs-bus-usb: the `device` link of a node leads to an interface of the
// USB device, as for cameras, or to the USB device itself.
std::filesystem::path UsbDeviceOf(const std::string& sysfs) {
  std::error_code absent;
  const auto device = std::filesystem::canonical(sysfs + "/device", absent);
  if (absent) return {};
  for (const auto& candidate : {device, device.parent_path()}) {
    if (std::filesystem::exists(candidate / "idVendor", absent)) return candidate;
  }
  return {};
}

}  // namespace

std::string UsbSerial(int node) {
  const std::string sysfs = SysfsOf(node);
  const auto device = sysfs.empty() ? std::filesystem::path() : UsbDeviceOf(sysfs);
  if (device.empty()) return {};
  const std::string serial = ReadLine(device / "serial");
  if (serial.empty()) return {};
  return ReadLine(device / "idVendor") + ":" + ReadLine(device / "idProduct") + " " + serial;
}

NodeIdentity V4l2Identity(const std::string& node) {
  const auto port = OpenV4l2Port(node);
  v4l2_capability capability = {};
  if (const int code = port->Ioctl(VIDIOC_QUERYCAP, &capability)) {
    throw Error(code, node + ": capabilities: " + ErrnoText(code));
  }
  const auto* const bus = reinterpret_cast<const char*>(capability.bus_info);
  const std::string index = " " + IndexOf(SysfsOf(port->fd()));
  const std::string serial = UsbSerial(port->fd());
  return {.place = std::string(bus, strnlen(bus, sizeof capability.bus_info)) + index,
          .serial = serial.empty() ? serial : serial + index};
}

}  // namespace grabfs
