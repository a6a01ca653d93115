// SPDX-License-Identifier: Apache-2.0
#include "fusefs/alloc/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>
#include <vector>

#include "fusefs/base/error.h"

namespace grabfs::alloc {
namespace {

// Of the attributes of one file together: they live in the daemon's memory.
constexpr size_t kMaxXattrBytes = 4096;
// How long after close() its announcement may come.
constexpr std::chrono::milliseconds kClosing{100};
constexpr size_t kCopyBytes = size_t{1} << 20;

timespec Now() {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  return now;
}

size_t SizeOf(const std::map<std::string, std::string, std::less<>>& xattrs) {
  size_t bytes = 0;
  for (const auto& [name, value] : xattrs) bytes += name.size() + value.size();
  return bytes;
}

size_t ReadAt(int fd, uint64_t offset, std::span<std::byte> data) {
  size_t done = 0;
  while (done < data.size()) {
    const ssize_t count =
        ::pread(fd, data.data() + done, data.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    CheckSyscall(count, "alloc: read");
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

void WriteAt(int fd, uint64_t offset, std::span<const std::byte> data) {
  while (!data.empty()) {
    const ssize_t count = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    CheckSyscall(count, "alloc: write");
    data = data.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
}

void Copy(Storage& from, Storage& to) {
  std::vector<std::byte> buffer(kCopyBytes);
  for (uint64_t offset = 0; offset < from.bytes(); offset += kCopyBytes) {
    const size_t count = ReadAt(from.fd(), offset, buffer);
    WriteAt(to.fd(), offset, std::span(buffer).first(count));
  }
}

}  // namespace

File::File(const Surroundings* surroundings, uint64_t serial, const Caller& creator, mode_t mode)
    : surroundings_(surroundings), serial_(serial) {
  surroundings_->quota->AddFile(creator.uid);
  info_.uid = creator.uid;
  info_.gid = creator.gid;
  info_.mode = mode;
  info_.atime = info_.mtime = info_.ctime = Now();
}

File::~File() {
  surroundings_->quota->RemoveBytes(info_.uid, size_);
  surroundings_->quota->RemoveFile(info_.uid);
}

FileInfo File::info() const {
  const std::lock_guard lock(mutex_);
  FileInfo info = info_;
  info.size = size_;
  return info;
}

void File::Adopt(std::unique_ptr<Storage> storage, const std::string& device,
                 const Caller& caller) {
  AwaitClose(kNoHandle);
  const std::unique_lock contents(contents_);
  const bool same = storage_ && storage_->resizes_in_place() && storage->resizes_in_place();
  if (storage_ && !same) {
    if (InUseNow()) throw Error(EBUSY, "alloc: the file is in use: bind it before opening it");
    storage->Resize(storage_->bytes(), caller);
    Copy(*storage_, *storage);
  }
  if (!same) {
    attachment_.reset();
    storage_ = std::move(storage);
  }
  const std::lock_guard lock(mutex_);
  info_.device = device;
  info_.charged_to_owner = storage_->charged_to_caller();
}

// --- What stat() shows

void File::Touch() {
  const std::lock_guard lock(mutex_);
  info_.mtime = info_.ctime = Now();
}

void File::SetMode(mode_t mode) {
  const std::lock_guard lock(mutex_);
  info_.mode = mode & 07777;
  info_.ctime = Now();
}

void File::SetOwner(std::optional<uid_t> uid, std::optional<gid_t> gid) {
  const std::unique_lock contents(contents_);
  const std::lock_guard lock(mutex_);
  if (uid) surroundings_->quota->Transfer(info_.uid, *uid, size_);
  info_.uid = uid.value_or(info_.uid);
  info_.gid = gid.value_or(info_.gid);
  info_.ctime = Now();
}

void File::SetTimes(std::optional<timespec> atime, std::optional<timespec> mtime) {
  const std::lock_guard lock(mutex_);
  info_.atime = atime.value_or(info_.atime);
  info_.mtime = mtime.value_or(info_.mtime);
  info_.ctime = Now();
}

void File::SetNamed(bool named) {
  const std::lock_guard lock(mutex_);
  info_.named = named;
  info_.ctime = Now();
}

// --- Size

void File::Resize(uint64_t size, const Caller& caller, Handle own) {
  if (size != this->size()) RequireUnmapped(caller, own);
  const std::unique_lock contents(contents_);
  ResizeExclusively(size, caller);
}

void File::Reserve(uint64_t size, const Caller& caller, Handle own) {
  if (size > this->size()) Resize(size, caller, own);
}

void File::ResizeExclusively(uint64_t size, const Caller& caller) {
  const uint64_t before = storage_->bytes();
  if (size == before) return Touch();
  RequireNotFilling();
  Quota& quota = *surroundings_->quota;
  const uid_t owner = info().uid;  // stays: SetOwner() waits for the contents
  if (size > before) quota.AddBytes(owner, size - before);
  try {
    storage_->Resize(size, caller);
  } catch (const Error&) {
    if (size > before) quota.RemoveBytes(owner, size - before);
    throw;
  }
  if (size < before) quota.RemoveBytes(owner, before - size);
  if (!storage_->resizes_in_place()) attachment_.reset();
  const std::lock_guard lock(mutex_);
  size_ = size;
  info_.charged_to_owner = storage_->charged_to_caller();
  info_.mtime = info_.ctime = Now();
}

void File::AwaitClose(Handle own) {
  std::unique_lock lock(mutex_);
  closed_.wait_for(lock, kClosing,
                   [&] { return handles_.size() == (handles_.contains(own) ? 1U : 0U); });
}

void File::RequireNotFilling() const {
  const std::lock_guard lock(mutex_);
  if (filling_ > 0) throw Error(EBUSY, "alloc: a device is writing into the file");
}

void File::RequireUnmapped(const Caller& caller, Handle own) {
  if (!SomebodyIsInTheWay(caller, own)) return;
  AwaitClose(own);
  if (SomebodyIsInTheWay(caller, own)) {
    throw Error(EBUSY, "alloc: somebody else has the file mapped, or open where its size is fixed");
  }
}

// Without a lock on the contents: looking for mappings waits for locks of the kernel, which
// somebody may hold who waits for the contents. A mapping that is made just now may be cut off, as
// on tmpfs.
bool File::SomebodyIsInTheWay(const Caller& caller, Handle own) {
  if (!InUse()) return false;
  RequireNotFilling();
  bool suspicious = false;
  {
    const std::shared_lock contents(contents_);
    const std::lock_guard lock(mutex_);
    suspicious = may_be_mapped_ || OpenElsewhere(caller, own);
    // The pages of a file that is read and mapped directly would have to become others.
    if (!storage_->resizes_in_place()) return direct_ || suspicious;
  }
  return suspicious && surroundings_->mapped_by_others(serial_, caller);
}

// By somebody other than who asks. O_TRUNC asks without a handle, although it has opened the file.
bool File::OpenElsewhere(const Caller& caller, Handle own) const {
  return std::ranges::any_of(handles_, [&](const auto& handle) {
    return handle.first != own && handle.second != caller.pid;
  });
}

// --- Contents

size_t File::Read(uint64_t offset, std::span<std::byte> data) {
  outdated_.Read(offset, data.size());
  const std::shared_lock contents(contents_);
  return storage_->bytes() == 0 ? 0 : ReadAt(storage_->fd(), offset, data);
}

void File::Write(uint64_t offset, std::span<const std::byte> data, const Caller& caller,
                 Handle own) {
  const uint64_t end = offset + data.size();
  if (end < offset) throw Error(EFBIG, "alloc: write beyond any size");
  std::shared_lock contents(contents_);
  if (end > storage_->bytes()) {
    contents.unlock();
    Reserve(end, caller, own);
    contents.lock();
    if (end > storage_->bytes()) throw Error(EBUSY, "alloc: truncated while it was written to");
  }
  outdated_.Written(offset, data.size());
  WriteAt(storage_->fd(), offset, data);
  Touch();
}

void File::WriteBack(uint64_t offset, std::span<const std::byte> data) {
  const std::shared_lock contents(contents_);
  {
    const std::lock_guard lock(mutex_);
    const uint64_t outdated = filling_ > offset ? filling_ - offset : 0;
    if (outdated >= data.size()) return;
    data = data.subspan(outdated);
    offset += outdated;
  }
  const uint64_t size = storage_->bytes();
  if (offset >= size) return;
  outdated_.WriteBack(offset, data.first(std::min<uint64_t>(data.size(), size - offset)),
                      [this](uint64_t place, std::span<const std::byte> part) {
                        WriteAt(storage_->fd(), place, part);
                      });
  Touch();
}

// --- Extended attributes

std::map<std::string, std::string, std::less<>> File::Xattrs() const {
  const std::lock_guard lock(mutex_);
  return xattrs_;
}

void File::SetXattr(const std::string& name, std::string_view value, bool must_be_new,
                    bool must_exist) {
  const std::lock_guard lock(mutex_);
  const auto it = xattrs_.find(name);
  if (must_be_new && it != xattrs_.end()) throw Error(EEXIST, name + ": there already");
  if (must_exist && it == xattrs_.end()) throw Error(ENODATA, name + ": not there");
  const size_t replaced = it == xattrs_.end() ? 0 : name.size() + it->second.size();
  if (SizeOf(xattrs_) - replaced + name.size() + value.size() > kMaxXattrBytes) {
    throw Error(ENOSPC, name + ": the attributes of a file take at most " +
                            std::to_string(kMaxXattrBytes) + " bytes");
  }
  xattrs_[name] = value;
  info_.ctime = Now();
}

void File::RemoveXattr(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto it = xattrs_.find(name);
  if (it == xattrs_.end()) throw Error(ENODATA, std::string(name) + ": not there");
  xattrs_.erase(it);
  info_.ctime = Now();
}

// --- Who uses it

File::Handle File::Opened(const Caller& caller) {
  const std::shared_lock contents(contents_);
  const std::lock_guard lock(mutex_);
  if (handles_.empty()) direct_ = storage_->fd() >= 0;
  handles_.emplace(next_handle_, caller.pid);
  return next_handle_++;
}

void File::Closed(Handle handle, bool may_be_mapped) {
  const std::lock_guard lock(mutex_);
  handles_.erase(handle);
  may_be_mapped_ |= may_be_mapped;
  closed_.notify_all();
}

bool File::InUse() {
  const std::shared_lock contents(contents_);
  return InUseNow();
}

bool File::InUseNow() {
  {
    const std::lock_guard lock(mutex_);
    if (!handles_.empty() || filling_ > 0) return true;
    if (!may_be_mapped_) return false;
  }
  if (!storage_->Idle()) return true;
  const std::lock_guard lock(mutex_);
  may_be_mapped_ = false;
  return !handles_.empty() || filling_ > 0;
}

int File::backing_fd() const {
  const std::shared_lock contents(contents_);
  const std::lock_guard lock(mutex_);
  return direct_ ? storage_->fd() : -1;
}

// --- Devices

std::shared_ptr<Memory> File::BeginFill(uint64_t bytes) {
  const std::shared_lock contents(contents_);
  if (storage_->bytes() < bytes) {
    throw Error(ENOSPC, "alloc: the file has " + std::to_string(storage_->bytes()) +
                            " bytes, an image has " + std::to_string(bytes));
  }
  auto memory = storage_->Map();
  const std::lock_guard lock(mutex_);
  if (filling_ > 0) throw Error(EBUSY, "alloc: a device is writing into the file already");
  filling_ = bytes;
  return memory;
}

void File::Filled() {
  uint64_t bytes = 0;
  {
    const std::lock_guard lock(mutex_);
    bytes = filling_;
  }
  outdated_.Replaced(bytes);
}

void File::EndFill(std::map<std::string, std::string, std::less<>> description) {
  const std::lock_guard lock(mutex_);
  filling_ = 0;
  if (description.empty()) return;
  for (auto& [name, value] : description) xattrs_[name] = std::move(value);
  info_.mtime = info_.ctime = Now();
}

}  // namespace grabfs::alloc
