// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/v4l2_port.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cerrno>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs {
namespace {

std::string OpenAdvice(int code) {
  switch (code) {
    case ENOENT:
      return ": no such device: is the camera plugged in? (v4l2-ctl --list-devices shows them)";
    case EACCES:
    case EPERM:
      return ": permission denied: run grabfs as root, or as a member of the node's group (video)";
    case ENODEV:
    case ENXIO:
      return ": the device has been unplugged";
    default:
      return ": " + ErrnoText(code);
  }
}

class NodePort final : public V4l2Port {
 public:
  explicit NodePort(const std::string& path)
      : path_(path), fd_(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK)) {
    if (!fd_.valid()) throw Error(errno, path + OpenAdvice(errno));
  }

  [[nodiscard]] int fd() const override { return fd_.get(); }

  int Ioctl(unsigned long command, void* argument) override {
    int result;
    do {
      result = ::ioctl(fd_.get(), command, argument);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
  }

  std::span<std::byte> Map(uint64_t offset, size_t bytes) override {
    void* const place = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(),
                               static_cast<off_t>(offset));
    if (place == MAP_FAILED) ThrowErrno(path_ + ": mmap of a buffer");
    return {static_cast<std::byte*>(place), bytes};
  }

  void Unmap(std::span<std::byte> mapping) noexcept override {
    ::munmap(mapping.data(), mapping.size());
  }

 private:
  const std::string path_;
  const UniqueFd fd_;
};

}  // namespace

std::unique_ptr<V4l2Port> OpenV4l2Port(const std::string& path) {
  return std::make_unique<NodePort>(path);
}

}  // namespace grabfs
