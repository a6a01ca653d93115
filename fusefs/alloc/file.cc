// SPDX-License-Identifier: Apache-2.0
#include "fusefs/alloc/file.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "fusefs/alloc/change.h"

namespace grabfs::alloc {
namespace {

// The limit of all extended attributes of one file: they take memory of the daemon.
constexpr size_t kMaxXattrBytes = 4096;

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

}  // namespace

FilePtr File::Make(const Dependencies* dependencies, uint64_t serial, const Caller& creator,
                   mode_t mode, bool named, std::shared_ptr<Storage> storage,
                   const std::string& device) {
  auto* const file =
      new File(dependencies, serial, creator, mode, named, std::move(storage), device);
  return {file, [pool = dependencies->pool](File* last) {
            pool->Post(last->share_.owner(), [last] {
              delete last;
              return false;
            });
          }};
}

File::File(const Dependencies* dependencies, uint64_t serial, const Caller& creator, mode_t mode,
           bool named, std::shared_ptr<Storage> storage, const std::string& device)
    : dependencies_(dependencies),
      serial_(serial),
      share_(dependencies->quota, creator.uid),
      contents_(std::move(storage)),
      changes_(dependencies->pool) {
  info_.uid = creator.uid;
  info_.gid = creator.gid;
  info_.mode = mode;
  info_.named = named;
  info_.device = device;
  info_.atime = info_.mtime = info_.ctime = Now();
}

// --- What stat() shows

FileInfo File::info() const {
  FileInfo info;
  {
    const std::lock_guard lock(mutex_);
    info = info_;
  }
  info.size = contents_.size();
  info.reserved = contents_.wanted();
  info.charged_to_owner = contents_.storage()->charged_to_caller();
  return info;
}

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
  const std::lock_guard lock(mutex_);
  if (uid) share_.GiveTo(*uid);
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

// --- Changes

void File::Post(const std::shared_ptr<Change>& change) {
  changes_.Post(
      change->user(), [change] { return change->RunSlice(); }, [change] { change->Reply(); });
}

void File::Resize(uint64_t size, const Caller& caller, Handle own, Done done) {
  Post(MakeResize(shared_from_this(), Extent::kExactly, size, caller, own, std::move(done)));
}

void File::Grow(uint64_t size, const Caller& caller, Handle own, Done done) {
  Post(MakeResize(shared_from_this(), Extent::kAtLeast, size, caller, own, std::move(done)));
}

void File::Reserve(uint64_t bytes, const Caller& caller, Handle own, Done done) {
  Post(MakeResize(shared_from_this(), Extent::kReserved, bytes, caller, own, std::move(done)));
}

void File::Adopt(std::shared_ptr<Storage> storage, const std::string& device, const Caller& caller,
                 Done done) {
  Post(MakeAdoption(shared_from_this(), std::move(storage), device, caller, std::move(done)));
}

void File::RequireUnmapped(const Caller& caller, Handle own) {
  if (!SomebodyIsInTheWay(caller, own)) return;
  uses_.AwaitClose(own);
  if (SomebodyIsInTheWay(caller, own)) {
    throw Error(EBUSY, "alloc: somebody else has the file mapped, or open where its size is fixed");
  }
}

// A mapping that is made at the same moment may be truncated, as on tmpfs.
bool File::SomebodyIsInTheWay(const Caller& caller, Handle own) {
  const auto storage = contents_.storage();
  if (!uses_.InUse(*storage)) return false;
  const bool suspicious = uses_.Elsewhere(caller, own);
  // With passthrough the kernel has the pages, which would have to be replaced.
  if (!storage->resizes_in_place()) return uses_.direct() || suspicious;
  return suspicious && dependencies_->mapped_by_others(serial_, caller);
}

void File::Charge(uint64_t bytes) {
  try {
    share_.Set(bytes);
  } catch (const Error&) {
    dependencies_->give_back();
    share_.Set(bytes);
  }
}

void File::GiveBack() {
  if (contents_.reserved() <= contents_.wanted()) return;
  changes_.RunIfIdle([this] {
    const Contents::Exclusive exclusive(&contents_);
    contents_.storage()->Release(contents_.wanted());
    share_.Set(contents_.reserved());
  });
}

// --- Contents

size_t File::Read(uint64_t offset, std::span<std::byte> data) {
  return contents_.Read(offset, data);
}

void File::Write(uint64_t offset, std::span<const std::byte> data, const Caller& caller, Handle own,
                 Done done) {
  if (offset + data.size() < offset) throw Error(EFBIG, "alloc: write beyond any size");
  if (!contents_.Write(offset, data)) {
    auto place = dependencies_->backlog->Enter(caller.uid);
    return Post(MakeWrite(
        shared_from_this(), offset, data, caller, own,
        [place = std::move(place), done = std::move(done)](const Error* error) { done(error); }));
  }
  Touch();
  done(nullptr);
}

void File::WriteBack(uint64_t offset, std::span<const std::byte> data, const Caller& caller,
                     Done done) {
  if (!contents_.WriteBack(offset, data, uses_.filling())) {
    return Post(MakeWriteBack(shared_from_this(), offset, data, caller, std::move(done)));
  }
  Touch();
  done(nullptr);
}

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
  return uses_.Opened(caller, [this] { return contents_.direct_fd() >= 0; });
}

void File::Closed(Handle handle, bool may_be_mapped) {
  if (!uses_.Closed(handle, may_be_mapped)) return;
  if (contents_.reserved() <= contents_.wanted()) return;
  dependencies_->pool->Post(share_.owner(), [self = shared_from_this()] {
    self->GiveBack();
    return false;
  });
}

bool File::InUse() {
  if (changes_.busy()) return true;
  const auto storage = contents_.storage();
  return uses_.InUse(*storage);
}

int File::backing_fd() const { return uses_.direct() ? contents_.direct_fd() : -1; }

// --- Devices

std::shared_ptr<File::Filling> File::BeginFill(uint64_t bytes) {
  // If a change begins at the same moment, this or the change sees the other, or both do.
  uses_.BeginFill(bytes);
  const std::shared_ptr<Filling> filling(new Filling(shared_from_this(), bytes));
  if (changes_.busy()) throw Error(EBUSY, "alloc: the size of the file is being changed");
  if (size() < bytes) {
    throw Error(ENOSPC, "alloc: the file has " + std::to_string(size()) + " bytes, an image has " +
                            std::to_string(bytes));
  }
  filling->memory_ = contents_.storage()->Map(size());
  return filling;
}

void File::Filling::Filled() { file_->contents_.Replaced(bytes_); }

void File::Filling::End(std::map<std::string, std::string, std::less<>> description) {
  if (ended_.exchange(true)) return;
  file_->uses_.EndFill();
  if (description.empty()) return;
  const std::lock_guard lock(file_->mutex_);
  for (auto& [name, value] : description) file_->xattrs_[name] = std::move(value);
  file_->info_.mtime = file_->info_.ctime = Now();
}

}  // namespace grabfs::alloc
