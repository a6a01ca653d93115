// SPDX-License-Identifier: Apache-2.0
#include "fusefs/alloc/change.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "fusefs/alloc/transfer.h"

namespace grabfs::alloc {

namespace {

Error EndOfMount() { return {ENODEV, "alloc: the mount ends"}; }

}  // namespace

Change::Change(FilePtr file, const Caller& caller, Handle own, Done done)
    : file_(std::move(file)), caller_(caller), own_(own), done_(std::move(done)) {}

bool Change::RunSlice() noexcept {
  try {
    RequireWanted();
    if (!std::exchange(begun_, true)) Begin();
    if (work_ && Work()) return true;
    Finish();
  } catch (const Error& error) {
    failure_ = file_->dependencies_->stop.stop_requested() ? EndOfMount() : error;
  } catch (const std::bad_alloc&) {
    failure_ = Error(ENOMEM, "alloc: no memory for the daemon itself");
  } catch (const std::exception& error) {
    failure_ = Error(EIO, error.what());
  }
  Undo();
  exclusive_.reset();
  replacing_.reset();
  return false;
}

void Change::Reply() { done_(failure_ ? &*failure_ : nullptr); }

void Change::RequireWanted() const {
  if (file_->dependencies_->stop.stop_requested()) throw EndOfMount();
  if (IsDying(caller_.pid)) throw Error(EINTR, "alloc: whoever asked for it has been killed");
}

void Change::Exclude() {
  exclusive_.emplace(&contents());
  if (uses().filling() > 0) throw Error(EBUSY, "alloc: a device is writing into the file");
}

void Change::BeginWork(uint64_t bytes, std::unique_ptr<Storage::Change> work) {
  file_->Charge(std::max(bytes, contents().reserved()));
  work_ = std::move(work);
  if (payer_) return;
  payer_ = Payer{caller_, Account::Of(caller_.pid),
                 [pid = caller_.pid, stop = file_->dependencies_->stop] {
                   return stop.stop_requested() || IsDying(pid);
                 }};
}

bool Change::Work() { return work_->Work(*payer_); }

void Change::Finish() {
  Commit();
  work_.reset();
  if (exclusive_) {
    if (!uses().open()) contents().storage()->Release(contents().wanted());
    file_->Charge(contents().reserved());
  }
  if (replacing_) file_->attachment_.reset();
  exclusive_.reset();
  replacing_.reset();
  file_->Touch();
}

void Change::Undo() noexcept {
  if (!work_) return;
  work_.reset();
  file_->Charge(contents().reserved());
}

uint64_t Change::Room() const {
  const uint64_t reserved = contents().reserved();
  return reserved + file_->dependencies_->quota->Free(file_->share_.owner());
}

void Change::SetDevice(const std::string& device) {
  const std::lock_guard lock(file_->mutex_);
  file_->info_.device = device;
}

namespace {

class Resize final : public Change {
 public:
  Resize(FilePtr file, Extent extent, uint64_t bytes, const Caller& caller, Handle own, Done done)
      : Change(std::move(file), caller, own, std::move(done)), extent_(extent), bytes_(bytes) {}

 private:
  void Begin() override;
  void Commit() override {
    if (work_) work_->Commit();
    if (extent_ == Extent::kReserved) return contents().SetWanted(bytes_);
    if (work_) contents().SetSize(bytes_);
  }
  [[nodiscard]] bool IsSo() const;

  const Extent extent_;
  const uint64_t bytes_;
};

bool Resize::IsSo() const {
  switch (extent_) {
    case Extent::kExactly:
      return bytes_ == contents().size() && bytes_ == contents().reserved();
    case Extent::kAtLeast:
      return bytes_ <= contents().size();
    case Extent::kReserved:
      return bytes_ <= contents().reserved();
  }
  return false;
}

void Resize::Begin() {
  if (IsSo()) return;
  if (!contents().storage()->resizes_in_place()) replacing_.emplace(&contents());
  if (extent_ != Extent::kReserved && bytes_ != contents().size()) RequireUnmapped();
  Exclude();
  if (IsSo()) return;  // writes under way have made it longer
  const auto storage = contents().storage();
  BeginWork(bytes_, extent_ == Extent::kReserved ? storage->Reserve(bytes_)
                                                 : storage->Resize(contents().size(), bytes_));
}

class Write final : public Change {
 public:
  Write(FilePtr file, uint64_t offset, std::span<const std::byte> data, const Caller& caller,
        Handle own, Done done)
      : Change(std::move(file), caller, own, std::move(done)),
        offset_(offset),
        data_(data.begin(), data.end()) {}

 private:
  // A file that grows by writes gets memory ahead, in ever larger pieces, while it is open.
  static constexpr uint64_t kLeastAhead = uint64_t{64} << 10;
  static constexpr uint64_t kMostAhead = uint64_t{8} << 20;

  [[nodiscard]] uint64_t end() const { return offset_ + data_.size(); }
  // Up to where to allocate memory; at least to the end of the data.
  [[nodiscard]] uint64_t Ahead() const;

  void Begin() override;
  bool Work() override;
  void Commit() override {
    if (work_) work_->Commit();
    contents().WriteExclusively(offset_, data_);
  }

  const uint64_t offset_;
  const std::vector<std::byte> data_;
  bool may_go_ahead_ = true;
};

uint64_t Write::Ahead() const {
  if (!may_go_ahead_ || !uses().open()) return end();
  const uint64_t ahead = end() + std::clamp(end(), kLeastAhead, kMostAhead);
  return std::max(end(), std::min(ahead, Room()));
}

void Write::Begin() {
  const auto storage = contents().storage();
  const bool in_place = storage->resizes_in_place();
  if (!in_place && end() > contents().size()) {
    replacing_.emplace(&contents());
    RequireUnmapped();
    Exclude();
    return BeginWork(end(), storage->Resize(contents().size(), end()));
  }
  exclusive_.emplace(&contents());
  if (end() <= contents().reserved()) return;  // it only had to wait for another change
  BeginWork(Ahead(), storage->Reserve(Ahead()));
}

// If there is no memory ahead, allocates only what the data needs.
bool Write::Work() {
  try {
    return Change::Work();
  } catch (const Error& error) {
    if (error.code() != ENOSPC || !std::exchange(may_go_ahead_, false)) throw;
  }
  Undo();
  BeginWork(end(), contents().storage()->Reserve(end()));
  return true;
}

// Writeback of a dirty page of a mapping, which had to wait for another change.
class WriteBack final : public Change {
 public:
  WriteBack(FilePtr file, uint64_t offset, std::span<const std::byte> data, const Caller& caller,
            Done done)
      : Change(std::move(file), caller, File::kNoHandle, std::move(done)),
        offset_(offset),
        data_(data.begin(), data.end()) {}

 private:
  void Begin() override { exclusive_.emplace(&contents()); }
  void Commit() override { contents().WriteBackExclusively(offset_, data_, uses().filling()); }

  const uint64_t offset_;
  const std::vector<std::byte> data_;
};

class Adoption final : public Change {
 public:
  Adoption(FilePtr file, std::shared_ptr<Storage> storage, std::string device, const Caller& caller,
           Done done)
      : Change(std::move(file), caller, File::kNoHandle, std::move(done)),
        storage_(std::move(storage)),
        device_(std::move(device)) {}

 private:
  static constexpr uint64_t kSliceBytes = uint64_t{16} << 20;
  static constexpr size_t kCopyBytes = size_t{1} << 20;

  void Begin() override;
  bool Work() override;
  void Commit() override {
    if (replacing_) contents().Replace(storage_);
    SetDevice(device_);
  }
  void Copy(uint64_t end);

  const std::shared_ptr<Storage> storage_;
  const std::string device_;
  bool made_ = false;  // the new memory is allocated; the contents are to be copied
  uint64_t copied_ = 0;
};

void Adoption::Begin() {
  const auto before = contents().storage();
  if (before->resizes_in_place() && storage_->resizes_in_place()) return;
  replacing_.emplace(&contents());
  uses().AwaitClose(File::kNoHandle);
  if (uses().InUse(*before)) {
    throw Error(EBUSY, "alloc: the file is in use: bind it before opening it");
  }
  Exclude();
  if (const uint64_t size = contents().size(); size > 0) {
    BeginWork(size, storage_->Resize(0, size));
  }
}

bool Adoption::Work() {
  if (!made_) {
    if (Change::Work()) return true;
    work_->Commit();
    made_ = true;
    return true;
  }
  const uint64_t size = contents().size();
  Copy(std::min(size, copied_ + kSliceBytes));
  return copied_ < size;
}

void Adoption::Copy(uint64_t end) {
  std::vector<std::byte> buffer(kCopyBytes);
  while (copied_ < end) {
    const size_t count = std::min<uint64_t>(kCopyBytes, end - copied_);
    const auto piece = std::span(buffer).first(count);
    WriteAt(storage_->fd(), copied_,
            piece.first(ReadAt(contents().storage()->fd(), copied_, piece)));
    copied_ += count;
  }
}

}  // namespace

std::shared_ptr<Change> MakeResize(FilePtr file, Extent extent, uint64_t bytes,
                                   const Caller& caller, File::Handle own, File::Done done) {
  return std::make_shared<Resize>(std::move(file), extent, bytes, caller, own, std::move(done));
}

std::shared_ptr<Change> MakeWrite(FilePtr file, uint64_t offset, std::span<const std::byte> data,
                                  const Caller& caller, File::Handle own, File::Done done) {
  return std::make_shared<Write>(std::move(file), offset, data, caller, own, std::move(done));
}

std::shared_ptr<Change> MakeWriteBack(FilePtr file, uint64_t offset,
                                      std::span<const std::byte> data, const Caller& caller,
                                      File::Done done) {
  return std::make_shared<WriteBack>(std::move(file), offset, data, caller, std::move(done));
}

std::shared_ptr<Change> MakeAdoption(FilePtr file, std::shared_ptr<Storage> storage,
                                     const std::string& device, const Caller& caller,
                                     File::Done done) {
  return std::make_shared<Adoption>(std::move(file), std::move(storage), device, caller,
                                    std::move(done));
}

}  // namespace grabfs::alloc
