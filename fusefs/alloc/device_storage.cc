// SPDX-License-Identifier: Apache-2.0
#include "fusefs/alloc/device_storage.h"
#include "fusefs/base/mutex.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include "fusefs/base/error.h"

namespace grabfs::alloc {
namespace {

class DeviceStorage final : public Storage {
 public:
  DeviceStorage(std::shared_ptr<MemoryAllocator> allocator, std::string name)
      : allocator_(std::move(allocator)), name_(std::move(name)) {}

  [[nodiscard]] int fd() const override {
    const auto memory = this->memory();
    return memory ? memory->live_fd() : -1;
  }
  [[nodiscard]] std::shared_ptr<const void> pages() const override { return memory(); }
  [[nodiscard]] uint64_t bytes() const override {
    const auto memory = this->memory();
    return memory ? memory->bytes().size() : 0;
  }
  [[nodiscard]] bool resizes_in_place() const override { return false; }
  [[nodiscard]] bool charged_to_caller() const override {
    const std::lock_guard lock(mutex_);
    return allocated_.charged_to_caller;
  }
  [[nodiscard]] std::unique_ptr<Change> Resize(uint64_t size, uint64_t bytes) override;
  [[nodiscard]] std::unique_ptr<Change> Reserve(uint64_t /*bytes*/) override {
    throw Error(EOPNOTSUPP, name_ + ": memory of a device's making is as large as the file");
  }
  void Release(uint64_t /*bytes*/) noexcept override {}
  [[nodiscard]] bool leases() const override { return false; }
  [[nodiscard]] bool Idle() override {
    const auto memory = this->memory();
    return !memory || memory->Unused();
  }
  [[nodiscard]] std::shared_ptr<Memory> Map(uint64_t /*bytes*/) override { return memory(); }

 private:
  class Replacement;

  [[nodiscard]] std::shared_ptr<Memory> memory() const {
    const std::lock_guard lock(mutex_);
    return allocated_.memory;
  }
  [[nodiscard]] MemoryAllocator::Allocated Allocate(uint64_t bytes, const Caller& caller) const;

  const std::shared_ptr<MemoryAllocator> allocator_;
  const std::string name_;
  mutable Mutex mutex_;                        // guards what follows; leaf
  MemoryAllocator::Allocated allocated_ = {};  // null while there are no bytes
};

MemoryAllocator::Allocated DeviceStorage::Allocate(uint64_t bytes, const Caller& caller) const {
  try {
    return allocator_->Allocate(name_, bytes, caller.pid);
  } catch (const Error& error) {
    // A limit of the daemon or of the board, not of the user: to the user it is ENOSPC.
    if (error.code() != ENOMEM && error.code() != EDQUOT && error.code() != ENOBUFS) throw;
    throw Error(ENOSPC, error.what());
  }
}

// Allocates new memory, in one slice, and copies the contents.
class DeviceStorage::Replacement final : public Change {
 public:
  Replacement(DeviceStorage* storage, uint64_t bytes) : storage_(*storage), bytes_(bytes) {}

  bool Work(const Payer& payer) override {
    const auto memory = storage_.memory();
    if (bytes_ > 0) other_ = storage_.Allocate(bytes_, payer.caller);
    const uint64_t kept = memory ? std::min<uint64_t>(bytes_, memory->bytes().size()) : 0;
    if (kept > 0) std::memcpy(other_.memory->bytes().data(), memory->bytes().data(), kept);
    return false;
  }
  void Commit() noexcept override {
    const std::lock_guard lock(storage_.mutex_);
    std::swap(storage_.allocated_, other_);
  }

 private:
  DeviceStorage& storage_;
  const uint64_t bytes_;
  MemoryAllocator::Allocated other_ = {};
};

std::unique_ptr<Storage::Change> DeviceStorage::Resize(uint64_t /*size*/, uint64_t bytes) {
  return std::make_unique<Replacement>(this, bytes);
}

}  // namespace

std::unique_ptr<Storage> MakeDeviceStorage(std::shared_ptr<MemoryAllocator> allocator,
                                           const std::string& name) {
  return std::make_unique<DeviceStorage>(std::move(allocator), name);
}

}  // namespace grabfs::alloc
