// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/file_system.h"

#include <cerrno>
#include <climits>
#include <mutex>

#include "fusefs/vfs/kinds/table.h"

namespace grabfs {
namespace {

constexpr uint32_t kBlockSize = 4096;

// The file itself, by its number only.
Entry FromHandle(const Place& place) {
  if (!place.kind().IsPossible(place)) ThrowStale();
  return {place.kind().Stat(place), kNotAtAll};
}

}  // namespace

FileSystem::FileSystem(Options options, std::vector<std::unique_ptr<Device>> devices)
    : mount_(std::move(options)) {
  for (auto& device : devices) AddDevice(std::move(device));
}

FileSystem::~FileSystem() { Stop(); }

void FileSystem::Start() {
  const std::lock_guard membership(membership_);
  if (stopped_) return;
  running_ = true;
  mount_.pages_in_flight.Watch();
  for (const NodePtr& node : mount_.devices.All()) node->device->Run(&caches_);
}

void FileSystem::Stop() {
  const std::lock_guard membership(membership_);
  running_ = false;
  stopped_ = true;
  const auto nodes = mount_.devices.RemoveAll();
  // Shows what was written to output devices.
  for (const NodePtr& node : nodes) {
    if (node->device->output()) housekeeper_.FlushOutput(*node, node->device->sees_writes());
  }
  // Open files keep a device; its threads end here all the same.
  for (const NodePtr& node : nodes) node->End();
  mount_.store.Stop();
}

void FileSystem::AddDevice(std::unique_ptr<Device> device) {
  const std::lock_guard membership(membership_);
  mount_.store.AddDirectory(device->name());
  if (stopped_) return;
  const auto [node, replaces] = mount_.devices.Add(std::move(device));
  if (!running_) return;
  if (replaces) mount_.kernel->InvalidateNames({{kRootInode, 0, node->device->name()}});
  mount_.kernel->InvalidateAttributes(kRootInode);
  mount_.pages_in_flight.Watch();
  node->device->Run(&caches_);
}

bool FileSystem::HasDevice(const std::string& name) const {
  const NodePtr node = mount_.devices.Named(name);
  return node && !node->device->state().gone();
}

// Every access by a name begins with a lookup.
Entry FileSystem::Lookup(uint64_t parent, const std::string& name, const Caller& caller) {
  if (name.size() > NAME_MAX) throw Error(ENAMETOOLONG, "a name of more than 255 bytes");
  const Place place = At(parent, caller);
  if (name == ".") return FromHandle(place);
  if (name == "..") return FromHandle(place.kind().Parent(place));
  return place.kind().Lookup(place, name);
}

Attr FileSystem::GetAttr(uint64_t inode) {
  const Place place = At(inode);
  return place.kind().Stat(place);
}

bool FileSystem::IsEndless(uint64_t inode) { return KindOf(Inode::Decode(inode).kind).endless(); }

void FileSystem::SetAttr(uint64_t inode, const AttrChange& change, OpenFile* file,
                         const Caller& caller, AttrReply reply) {
  const Place place = At(inode, caller);
  place.kind().SetAttr(place, change, file, std::move(reply));
}

void FileSystem::Allocate(uint64_t inode, int mode, uint64_t offset, uint64_t length,
                          OpenFile* file, const Caller& caller, Done done) {
  const Place place = At(inode, caller);
  place.kind().Allocate(place, mode, offset, length, file, std::move(done));
}

void FileSystem::ReadDir(uint64_t inode, uint64_t offset, const Caller& caller, const Emit& emit) {
  const Place place = At(inode, caller);
  place.kind().List(place, offset, emit);
}

std::shared_ptr<void> FileSystem::TakeShare(const Place& place) {
  const auto take = [&] { return mount_.open_limit.Take(place.caller.uid); };
  if (place.inode.device == kMountItself) return take();
  return Noting(*place.node()->device, take);
}

std::unique_ptr<OpenFile> FileSystem::Open(uint64_t inode, int flags, const Caller& caller) {
  const Place place = At(inode, caller);
  const Kind& kind = place.kind();
  auto share = kind.limited() ? TakeShare(place) : nullptr;
  auto file = kind.Open(place, flags);
  file->Keep(std::move(share));
  return file;
}

Entry FileSystem::Create(uint64_t parent, const std::string& name, mode_t mode,
                         const Caller& caller) {
  const Place place = At(parent, caller);
  return place.kind().Create(place, name, mode);
}

Kind::Opened FileSystem::CreateUnnamed(uint64_t parent, mode_t mode, const Caller& caller) {
  const Place place = At(parent, caller);
  return place.kind().CreateUnnamed(place, mode);
}

void FileSystem::Forget(uint64_t inode) {
  const Inode file = Inode::Decode(inode);
  if (file.kind == NodeKind::kHoldPage) mount_.hold_pages.Forget(file.index);
}

void FileSystem::Rename(uint64_t parent, const std::string& name, uint64_t new_parent,
                        const std::string& new_name, unsigned flags) {
  const Place place = At(parent);
  place.kind().Rename(place, name, Inode::Decode(new_parent), new_name, flags);
}

void FileSystem::Unlink(uint64_t parent, const std::string& name, const Caller& caller) {
  const Place place = At(parent, caller);
  place.kind().Unlink(place, name);
}

std::string FileSystem::ReadLink(uint64_t inode) {
  const Place place = At(inode);
  return place.kind().Target(place);
}

std::string FileSystem::XattrNames(uint64_t inode) {
  const Place place = At(inode);
  return place.kind().XattrNames(place);
}

std::string FileSystem::Xattr(uint64_t inode, std::string_view name) {
  // After EOPNOTSUPP for one file, ls asks no other file for its security label and access control
  // list.
  if (!name.starts_with("user.")) {
    throw Error(EOPNOTSUPP, std::string(name) + ": only user.* attributes exist here");
  }
  const Place place = At(inode);
  if (auto value = place.kind().Xattr(place, name)) return *value;
  throw Error(ENODATA, std::string(name) + ": no such extended attribute");
}

void FileSystem::SetXattr(uint64_t inode, const std::string& name, std::string_view value,
                          int flags, const Caller& caller, Done done) {
  const Place place = At(inode, caller);
  place.kind().SetXattr(place, name, value, flags, std::move(done));
}

void FileSystem::RemoveXattr(uint64_t inode, const std::string& name, const Caller& caller,
                             Done done) {
  const Place place = At(inode, caller);
  place.kind().RemoveXattr(place, name, std::move(done));
}

struct statvfs FileSystem::Statistics(uint64_t inode, const Caller& caller) {
  struct statvfs statistics = {};
  statistics.f_bsize = statistics.f_frsize = kBlockSize;
  statistics.f_namemax = NAME_MAX;
  const Place place = At(inode, caller);
  place.kind().AddStatistics(place, statistics);
  return statistics;
}

LockTable::Outcome FileSystem::Lock(uint64_t inode, LockTable::Asker asker, LockTable::Mode mode,
                                    bool wait, const Caller& caller, LockTable::Granted granted) {
  const Place place = At(inode, caller);
  const Kind::LockTerms terms = place.kind().Locking(place);
  asker.share = terms.share;
  return mount_.locks.Lock(inode, asker, mode, wait, terms.hold, std::move(granted));
}

}  // namespace grabfs
