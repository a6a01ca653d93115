// SPDX-License-Identifier: Apache-2.0
#include "fusefs/alloc/memfd_storage.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>

#include "fusefs/base/charge.h"
#include "fusefs/base/error.h"
#include "fusefs/base/lease_probe.h"
#include "fusefs/base/log.h"
#include "fusefs/base/mapping.h"
#include "fusefs/base/memory_limit.h"
#include "fusefs/base/mutex.h"
#include "fusefs/base/populate.h"

namespace grabfs::alloc {
namespace {

// memfd_create() takes no longer name.
constexpr size_t kMaxName = 249;
// The size of a slice: the kernel allocates and clears this much in some milliseconds.
constexpr uint64_t kSliceBytes = uint64_t{16} << 20;
static_assert(kSliceBytes % Mapping::kAlignment == 0);

UniqueFd CreateFile(const std::string& name) {
  return UniqueFd(CheckSyscall(::memfd_create(name.substr(0, kMaxName).c_str(), MFD_CLOEXEC),
                               name + ": memfd_create"));
}

// A memfd, mapped while a device fills it.
class MemfdView final : public Memory {
 public:
  MemfdView(int fd, uint64_t bytes, const std::string& what)
      : fd_(CheckSyscall(::dup(fd), what + ": dup")), mapping_(fd, bytes, what) {
    bytes_ = mapping_.bytes();
  }

  [[nodiscard]] int live_fd() const override { return fd_.get(); }
  [[nodiscard]] int frame_fd() const override { return fd_.get(); }
  // Not used: this memory is no frame of a ring.
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

  ~MemfdStorage() override {
    if (bytes_ > 0) MayWait("memory to be freed");
  }

  [[nodiscard]] int fd() const override { return fd_.get(); }
  [[nodiscard]] std::shared_ptr<const void> pages() const override { return nullptr; }
  [[nodiscard]] uint64_t bytes() const override { return bytes_; }
  [[nodiscard]] bool resizes_in_place() const override { return true; }
  [[nodiscard]] bool charged_to_caller() const override { return charged_to_caller_; }
  [[nodiscard]] std::unique_ptr<Change> Resize(uint64_t size, uint64_t bytes) override;
  [[nodiscard]] std::unique_ptr<Change> Reserve(uint64_t bytes) override;
  void Release(uint64_t bytes) noexcept override {
    Punch(bytes, bytes_);
    bytes_ = std::min<uint64_t>(bytes_, bytes);
  }
  [[nodiscard]] bool Idle() override { return probe_.Idle(); }
  [[nodiscard]] bool leases() const override { return true; }
  [[nodiscard]] std::shared_ptr<Memory> Map(uint64_t bytes) override {
    return std::make_shared<MemfdView>(fd_.get(), bytes, what_);
  }

 private:
  class Cut;
  class Growth;
  class Reservation;

  void SetSize(uint64_t bytes) const {
    CheckSyscall(::ftruncate(fd_.get(), static_cast<off_t>(bytes)), what_ + ": ftruncate");
  }
  // Frees what lies behind the size, also if the size is that already.
  void CutTo(uint64_t bytes) const noexcept {
    MayWait("memory to be freed");
    if (::ftruncate(fd_.get(), static_cast<off_t>(bytes)) != 0) {
      LogError(what_ + ": cannot be cut: " + ErrnoText(errno));
    }
  }
  // Frees the whole pages behind the end, not the page that contains it.
  void Punch(uint64_t from, uint64_t to) const noexcept {
    const auto page = static_cast<uint64_t>(::getpagesize());
    const uint64_t first = (from + page - 1) / page * page;
    if (first >= to) return;
    MayWait("memory to be freed");
    (void)::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                      static_cast<off_t>(first), static_cast<off_t>(to - first));
  }
  // Runs `populate`, which allocates `more` bytes, charged to the payer.
  void Find(uint64_t more, const Payer& payer, const std::function<int()>& populate);

  const std::string what_;
  const UniqueFd fd_;
  const LeaseProbe probe_;
  std::atomic<uint64_t> bytes_ = 0;
  std::atomic<bool> charged_to_caller_ = false;
};

// Where the slice that begins at `done` ends: at a multiple of a huge page, so that the kernel can
// use them.
uint64_t EndOfSlice(uint64_t done, uint64_t end) {
  return std::min(end, (done + kSliceBytes) / kSliceBytes * kSliceBytes);
}

// Checks first whether there is memory: without it the OOM killer would end a process.
void RequireMemory(const std::string& what, uint64_t bytes, const Caller& caller) {
  const uint64_t available = AvailableMemory(caller.pid > 0 ? std::to_string(caller.pid) : "self");
  if (bytes <= available) return;
  throw Error(ENOSPC, what + ": " + std::to_string(bytes) + " bytes more, " +
                          std::to_string(available) + " available to this user");
}

void MemfdStorage::Find(uint64_t more, const Payer& payer, const std::function<int()>& populate) {
  const ChargedWork done = RunCharged(payer.account, populate, payer.gives_up);
  if (done.error != 0) {
    const int code = done.error == ENOMEM ? ENOSPC : done.error;
    throw Error(code, what_ + ": " + std::to_string(more) + " bytes: " + ErrnoText(done.error));
  }
  charged_to_caller_ = done.to_caller;
}

// Shrinks the file, or keeps its size.
class MemfdStorage::Cut final : public Change {
 public:
  Cut(MemfdStorage* storage, uint64_t bytes) : storage_(*storage), bytes_(bytes) {}
  ~Cut() override {
    if (committed_) storage_.CutTo(bytes_);
  }
  bool Work(const Payer& /*payer*/) override { return false; }
  void Commit() noexcept override {
    storage_.bytes_ = bytes_;
    committed_ = true;
  }

 private:
  MemfdStorage& storage_;
  const uint64_t bytes_;
  bool committed_ = false;
};

// Grows the file. The file itself grows with each slice, because the kernel makes huge pages only
// of what lies before its end.
class MemfdStorage::Growth final : public Change {
 public:
  Growth(MemfdStorage* storage, uint64_t size, uint64_t bytes)
      : storage_(*storage), size_(size), end_(bytes), done_(std::min(end_, storage->bytes())) {}
  ~Growth() override {
    if (committed_) return;
    storage_.CutTo(size_);
    storage_.bytes_ = size_;
  }
  bool Work(const Payer& payer) override {
    RequireMemory(storage_.what_, end_ - done_, payer.caller);
    const uint64_t next = EndOfSlice(done_, end_);
    storage_.SetSize(std::max(next, size_));
    const Mapping mapping(storage_.fd(), next, storage_.what_);
    const auto populate = [this, &mapping] {
      return PopulateFile(storage_.fd(), mapping.bytes(), done_);
    };
    if (done_ < next) storage_.Find(next - done_, payer, populate);
    done_ = next;
    return done_ < end_;
  }
  void Commit() noexcept override {
    storage_.bytes_ = std::max<uint64_t>(storage_.bytes_, end_);
    committed_ = true;
  }

 private:
  MemfdStorage& storage_;
  const uint64_t size_;
  const uint64_t end_;
  uint64_t done_;
  bool committed_ = false;
};

class MemfdStorage::Reservation final : public Change {
 public:
  Reservation(MemfdStorage* storage, uint64_t bytes)
      : storage_(*storage), begin_(storage->bytes()), end_(bytes), done_(begin_) {}
  ~Reservation() override {
    if (!committed_) storage_.Punch(begin_, done_);
  }
  bool Work(const Payer& payer) override {
    RequireMemory(storage_.what_, end_ - done_, payer.caller);
    const uint64_t from = done_;
    done_ = EndOfSlice(from, end_);
    storage_.Find(done_ - from, payer,
                  [this, from] { return ReserveFile(storage_.fd(), from, done_); });
    return done_ < end_;
  }
  void Commit() noexcept override {
    storage_.bytes_ = end_;
    committed_ = true;
  }

 private:
  MemfdStorage& storage_;
  const uint64_t begin_;
  const uint64_t end_;
  uint64_t done_;
  bool committed_ = false;
};

std::unique_ptr<Storage::Change> MemfdStorage::Resize(uint64_t size, uint64_t bytes) {
  if (bytes > size) return std::make_unique<Growth>(this, size, bytes);
  return std::make_unique<Cut>(this, bytes);
}

std::unique_ptr<Storage::Change> MemfdStorage::Reserve(uint64_t bytes) {
  return std::make_unique<Reservation>(this, bytes);
}

}  // namespace

std::unique_ptr<Storage> MakeMemfdStorage(const std::string& name) {
  return std::make_unique<MemfdStorage>(name);
}

}  // namespace grabfs::alloc
