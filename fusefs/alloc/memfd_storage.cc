// SPDX-License-Identifier: Apache-2.0
#include "fusefs/alloc/memfd_storage.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "fusefs/base/charge.h"
#include "fusefs/base/error.h"
#include "fusefs/base/lease_probe.h"
#include "fusefs/base/mapping.h"
#include "fusefs/base/memory_limit.h"
#include "fusefs/base/populate.h"

namespace grabfs::alloc {
namespace {

// memfd_create() takes no longer name.
constexpr size_t kMaxName = 249;

UniqueFd CreateFile(const std::string& name) {
  return UniqueFd(CheckSyscall(::memfd_create(name.substr(0, kMaxName).c_str(), MFD_CLOEXEC),
                               name + ": memfd_create"));
}

// The whole of a memfd, mapped for as long as somebody fills it.
class MemfdView final : public Memory {
 public:
  MemfdView(int fd, uint64_t bytes, const std::string& what)
      : fd_(CheckSyscall(::dup(fd), what + ": dup")), mapping_(fd, bytes, what) {
    bytes_ = mapping_.bytes();
  }

  [[nodiscard]] int live_fd() const override { return fd_.get(); }
  [[nodiscard]] int frame_fd() const override { return fd_.get(); }
  // Memory of a user's own is no frame: nothing waits for it to be idle.
  [[nodiscard]] Usage Probe() override { return Usage::kUnclear; }
  [[nodiscard]] bool Unused() override { return false; }

 private:
  const UniqueFd fd_;
  const Mapping mapping_;
};

class MemfdStorage final : public Storage {
 public:
  explicit MemfdStorage(const std::string& name)
      : what_("alloc/" + name), fd_(CreateFile("grabfs-alloc:" + name)), probe_(fd_.get(), what_) {}

  [[nodiscard]] int fd() const override { return fd_.get(); }
  [[nodiscard]] uint64_t bytes() const override { return bytes_; }
  [[nodiscard]] bool resizes_in_place() const override { return true; }
  [[nodiscard]] bool charged_to_caller() const override { return charged_to_caller_; }
  [[nodiscard]] bool Idle() override { return probe_.Idle(); }
  void Resize(uint64_t bytes, const Caller& caller) override;
  [[nodiscard]] std::shared_ptr<Memory> Map() override {
    return std::make_shared<MemfdView>(fd_.get(), bytes_, what_);
  }

 private:
  void SetSize(uint64_t bytes) {
    CheckSyscall(::ftruncate(fd_.get(), static_cast<off_t>(bytes)), what_ + ": ftruncate");
  }
  void Populate(uint64_t bytes, const Caller& caller);

  const std::string what_;
  const UniqueFd fd_;
  const LeaseProbe probe_;
  uint64_t bytes_ = 0;
  bool charged_to_caller_ = false;
};

void RequireMemory(const std::string& what, uint64_t bytes, const Caller& caller) {
  const uint64_t available = AvailableMemory(caller.pid > 0 ? std::to_string(caller.pid) : "self");
  if (bytes <= available) return;
  throw Error(ENOSPC, what + ": " + std::to_string(bytes) + " bytes more, " +
                          std::to_string(available) + " available to this user");
}

void MemfdStorage::Resize(uint64_t bytes, const Caller& caller) {
  if (bytes > bytes_) RequireMemory(what_, bytes - bytes_, caller);
  SetSize(bytes);
  if (bytes > bytes_) {
    try {
      Populate(bytes, caller);
    } catch (const Error&) {
      SetSize(bytes_);
      throw;
    }
  }
  bytes_ = bytes;
}

void MemfdStorage::Populate(uint64_t bytes, const Caller& caller) {
  const Mapping mapping(fd_.get(), bytes, what_);
  const ChargedWork done = RunCharged(
      caller.pid, [this, &mapping] { return PopulateFile(fd_.get(), mapping.bytes(), bytes_); });
  if (done.error != 0) {
    const int code = done.error == ENOMEM ? ENOSPC : done.error;
    throw Error(code, what_ + ": " + std::to_string(bytes) + " bytes: " + ErrnoText(done.error));
  }
  charged_to_caller_ = done.to_caller;
}

}  // namespace

std::unique_ptr<Storage> MakeMemfdStorage(const std::string& name) {
  return std::make_unique<MemfdStorage>(name);
}

}  // namespace grabfs::alloc
