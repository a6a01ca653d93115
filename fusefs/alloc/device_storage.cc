// SPDX-License-Identifier: Apache-2.0
#include "fusefs/alloc/device_storage.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "fusefs/base/error.h"

namespace grabfs::alloc {
namespace {

class DeviceStorage final : public Storage {
 public:
  DeviceStorage(std::shared_ptr<MemoryAllocator> allocator, std::string name)
      : allocator_(std::move(allocator)), name_(std::move(name)) {}

  [[nodiscard]] int fd() const override { return memory_ ? memory_->live_fd() : -1; }
  [[nodiscard]] uint64_t bytes() const override { return memory_ ? memory_->bytes().size() : 0; }
  [[nodiscard]] bool resizes_in_place() const override { return false; }
  [[nodiscard]] bool charged_to_caller() const override { return charged_to_caller_; }
  [[nodiscard]] bool Idle() override { return !memory_ || memory_->Unused(); }
  [[nodiscard]] std::shared_ptr<Memory> Map() override { return memory_; }
  void Resize(uint64_t bytes, const Caller& caller) override;

 private:
  [[nodiscard]] MemoryAllocator::Allocated Allocate(uint64_t bytes, const Caller& caller) const;

  const std::shared_ptr<MemoryAllocator> allocator_;
  const std::string name_;
  std::shared_ptr<Memory> memory_;  // null while there are no bytes
  bool charged_to_caller_ = false;
};

void DeviceStorage::Resize(uint64_t bytes, const Caller& caller) {
  if (bytes == this->bytes()) return;
  auto replacement = bytes == 0 ? MemoryAllocator::Allocated() : Allocate(bytes, caller);
  const uint64_t kept = std::min(bytes, this->bytes());
  if (kept > 0) std::memcpy(replacement.memory->bytes().data(), memory_->bytes().data(), kept);
  memory_ = std::move(replacement.memory);
  charged_to_caller_ = replacement.charged_to_caller;
}

MemoryAllocator::Allocated DeviceStorage::Allocate(uint64_t bytes, const Caller& caller) const {
  try {
    return allocator_->Allocate(name_, bytes, caller.pid);
  } catch (const Error& error) {
    if (error.code() != ENOMEM) throw;
    throw Error(ENOSPC, error.what());
  }
}

}  // namespace

std::unique_ptr<Storage> MakeDeviceStorage(std::shared_ptr<MemoryAllocator> allocator,
                                           const std::string& name) {
  return std::make_unique<DeviceStorage>(std::move(allocator), name);
}

}  // namespace grabfs::alloc
