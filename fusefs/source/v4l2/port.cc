// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/v4l2/port.h"

#include <sys/mman.h>

#include <cerrno>

#include "fusefs/base/error.h"
#include "fusefs/base/mutex.h"
#include "fusefs/base/unique_fd.h"
#include "fusefs/source/node.h"

namespace grabfs {
namespace {

class NodePort final : public V4l2Port {
 public:
  explicit NodePort(const std::string& path)
      : path_(path),
        fd_(OpenNode(path, "is the camera plugged in? (v4l2-ctl --list-devices shows them)")) {}

  [[nodiscard]] int fd() const override { return fd_.get(); }

  int Ioctl(unsigned long command, void* argument) override {
    MayWait("a camera");
    return NodeIoctl(fd_, command, argument);
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
